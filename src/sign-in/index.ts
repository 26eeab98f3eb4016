export { type AttemptLimit, type Attempts, createAttempts, networkOf, withinHour } from './attempts.ts';
export type { RecordAudit, SignInAuditEntry } from './audit-entry.ts';
export { safeNextPath } from './next-path.ts';
export { hashPassword, passwordProblem, verifyPassword } from './password.ts';
export { ROLE_NAMES, type Staff, signInAgain, staffOf } from './require-staff.ts';
export { type SignIn, setUpSignIn } from './set-up.ts';
export { tooManyAttempts } from './too-many-attempts.ts';
export { codeAt, sealTotpSecret, secretOf } from './totp.ts';
