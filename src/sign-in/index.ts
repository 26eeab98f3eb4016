export { type AttemptLimit, type Attempts, createAttempts } from './attempts.ts';
export type { RecordAudit, SignInAuditEntry } from './audit-entry.ts';
export { hashPassword } from './password.ts';
export { ROLE_NAMES, type Staff, staffOf } from './require-staff.ts';
export { type SignIn, setUpSignIn } from './set-up.ts';
export { codeAt, sealTotpSecret, secretOf } from './totp.ts';
