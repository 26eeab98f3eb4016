import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Config, ConfigError } from './config.ts';

export type Secrets = { pepper: Buffer; cookieKey: Buffer; auditKey: Buffer; encryptionKey: Buffer };

/**
 * The four 32-byte keys: from the environment where set, otherwise from DATA_DIR/secrets, which the first start makes.
 * @throws {ConfigError} when a key file is missing beside others, damaged, or readable by others.
 */
export function loadSecrets({ keys, dataDir }: Pick<Config, 'keys' | 'dataDir'>): Secrets {
  return {
    pepper: keys.SECRET_PEPPER ?? secretFile(dataDir, 'pepper'),
    cookieKey: keys.COOKIE_KEY ?? secretFile(dataDir, 'cookie-key'),
    auditKey: keys.AUDIT_KEY ?? secretFile(dataDir, 'audit-key'),
    encryptionKey: keys.ENCRYPTION_KEY ?? secretFile(dataDir, 'encryption-key'),
  };
}

const FILES = ['pepper', 'cookie-key', 'audit-key', 'encryption-key', 'database-password'] as const;

/** One secret kept under DATA_DIR/secrets, 32 bytes. All are made together when there are none. */
export function secretFile(dataDir: string, name: (typeof FILES)[number]): Buffer {
  const directory = join(dataDir, 'secrets');
  if (!existsSync(directory)) makeAll(dataDir, directory);
  const file = join(directory, name);
  // A new key in the place of a lost one would quietly make everything kept under the old one useless.
  if (!existsSync(file)) throw new ConfigError([`${file} is missing: restore it from a backup.`]);
  if (statSync(file).mode & 0o077) throw new ConfigError([`${file} is open to others: run chmod 600 on it.`]);
  const key = Buffer.from(readFileSync(file, 'utf8'), 'base64');
  if (key.length !== 32) throw new ConfigError([`${file} is damaged: restore it from a backup.`]);
  return key;
}

/** Whole or not at all: a crash half-way, or another process doing the same, leaves one complete set. */
function makeAll(dataDir: string, directory: string) {
  makeDataDir(dataDir);
  const draft = mkdtempSync(join(dataDir, '.secrets-'));
  for (const name of FILES) {
    writeFileSync(join(draft, name), randomBytes(32).toString('base64'), { mode: 0o600, flush: true });
  }
  sync(draft);
  try {
    renameSync(draft, directory);
    sync(dataDir);
  } catch (error) {
    rmSync(draft, { recursive: true });
    if (!existsSync(directory)) throw error;
  }
}

/**
 * DATA_DIR, made when it is not there: closed to others, but for root's own, which the database's user must be able to
 * pass through (not list) to reach its files.
 */
export function makeDataDir(dataDir: string) {
  try {
    const made = mkdirSync(dataDir, { recursive: true });
    if (made !== undefined) chmodSync(dataDir, process.getuid?.() === 0 ? 0o711 : 0o700);
    accessSync(dataDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError([`DATA_DIR cannot be ${dataDir} (${code}): set a folder that you may write to.`]);
  }
}

/** Makes the names in a directory durable, not only the files' contents. */
export function sync(directory: string) {
  const descriptor = openSync(directory, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
