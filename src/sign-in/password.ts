import { hash, verify } from '@node-rs/argon2';

// OWASP's first choice of argon2id parameters: 19 MiB, two passes, one lane. 2 is argon2id; the package's enum
// is ambient and const, which type stripping cannot follow.
const ARGON2ID = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

export const PASSWORD_LENGTH_MIN = 12;
export const PASSWORD_LENGTH_MAX = 128;

/** The PHC string to store for a password. */
export const hashPassword = (password: string): Promise<string> => hash(normalised(password), ARGON2ID);

/** Whether the password is the one hashed. A hash that cannot be read is no match. */
export async function verifyPassword(stored: string, password: string): Promise<boolean> {
  if (password.length > PASSWORD_LENGTH_MAX) password = '';
  return verify(stored, normalised(password)).catch(() => false);
}

/**
 * Why a new password is not acceptable, in words for the person, or null. Length is what counts (NCSC); what is
 * refused beyond it is what someone who knows the person would try first.
 */
export function passwordProblem(password: string, known: { name: string; email: string }): string | null {
  if (password.length < PASSWORD_LENGTH_MIN)
    return `Password must be ${PASSWORD_LENGTH_MIN} characters or more`;
  if (password.length > PASSWORD_LENGTH_MAX)
    return `Password must be ${PASSWORD_LENGTH_MAX} characters or fewer`;
  const plain = password.toLowerCase();
  if (new Set(plain).size < 5) return 'Password must have at least 5 different characters';
  const [mailbox = ''] = known.email.split('@');
  for (const part of [known.name.toLowerCase(), known.email, mailbox, 'password', 'connected systems']) {
    if (part.length >= 4 && plain.replaceAll(part, '').length < 8) {
      return 'Password must not be made from your name, your email address or the word “password”';
    }
  }
  return null;
}

// The same password typed on two keyboards may arrive composed differently (NIST SP 800-63B section 5.1.1.2).
const normalised = (password: string): string => password.normalize('NFKC');
