import { hash } from '@node-rs/argon2';

/**
 * A password's hash for a test's people that is as quick to check as argon2id can be: the service checks whatever
 * parameters a hash was made with, and how strong its own are is not what most tests are about.
 */
export const quickHash = (password: string): Promise<string> =>
  hash(password, { algorithm: 2, memoryCost: 8, timeCost: 1, parallelism: 1 });
