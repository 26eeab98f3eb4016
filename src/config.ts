import { resolve } from 'node:path';

export type Config = ReturnType<typeof loadConfig>;

/** The keys that may come from the environment instead of the files under DATA_DIR. */
export const KEY_SETTINGS = ['SECRET_PEPPER', 'COOKIE_KEY', 'AUDIT_KEY', 'ENCRYPTION_KEY'] as const;
export type KeySetting = (typeof KEY_SETTINGS)[number];

/** Every problem with the settings at once, so that they are put right in one go. */
export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID';
  readonly problems: string[];

  constructor(problems: string[]) {
    super(['The settings are not usable:', ...problems.map((problem) => `  - ${problem}`)].join('\n'));
    this.problems = problems;
  }
}

/**
 * Reads every setting once, from the environment given.
 * @throws {ConfigError} naming each setting that is wrong and what to set instead.
 */
export function loadConfig(env: NodeJS.ProcessEnv) {
  const problems: string[] = [];
  const read = reader(env, problems);
  const production = env.NODE_ENV === 'production';

  const config = {
    production,
    host: read.text('HOST') ?? '127.0.0.1',
    /** 0 lets the operating system choose. */
    port: read.integer('PORT', 0, 65_535) ?? 8080,
    /** Where people and systems reach the service, without a slash at the end; unset: the address it listens on. */
    baseUrl: read.origin('BASE_URL'),
    dataDir: resolve(read.text('DATA_DIR') ?? '.data'),
    /** An existing PostgreSQL; unset: the service starts one of its own under dataDir. */
    databaseUrl: read.databaseUrl('DATABASE_URL'),
    databasePoolSize: read.integer('DATABASE_POOL_SIZE', 1, 500) ?? 10,
    demo: read.flag('DEMO') ?? !production,
    demoFile: read.path('DEMO_FILE'),
    metricsPort: read.integer('METRICS_PORT', 0, 65_535),
    metricsToken: read.text('METRICS_TOKEN'),
    /** Lets the demo's systems subscribe with endpoints on this machine, to try push without a public address. */
    pushToLoopback: read.flag('PUSH_TO_LOOPBACK') ?? false,
    /** How old the key that signs notifications may be before the next is made. */
    notificationKeyDays: read.integer('NOTIFICATION_KEY_DAYS', 7, 3650) ?? 90,
    logLevel: read.oneOf('LOG_LEVEL', LOG_LEVELS) ?? 'info',
    /** What fastify's `trustProxy` takes: how many proxies stand in front, or their addresses. */
    trustProxy: read.proxies('TRUST_PROXY'),
    /** The mail server: smtp://user:password@host:587 or smtps://…; unset: messages stay in the outbox. */
    smtpUrl: read.url('SMTP_URL', 'smtp://user:password@host:587, or smtps://', ['smtp:', 'smtps:']),
    /** Who messages come from: an address that the mail server may send for. */
    mailFrom: read.text('MAIL_FROM'),
    /** The Unix socket of a ClamAV daemon, which then looks at every attachment before it is kept. */
    clamavSocket: read.path('CLAMAV_SOCKET'),
    keys: Object.fromEntries(KEY_SETTINGS.map((name) => [name, read.key(name)])) as Record<
      KeySetting,
      Buffer | undefined
    >,
  };

  if (config.metricsToken !== undefined && config.metricsToken.length < 16) {
    problems.push('METRICS_TOKEN is shorter than 16 characters: set a longer random one.');
  }
  if (config.smtpUrl !== undefined && !/^[^\s@<>]+@[^\s@<>]+$/.test(config.mailFrom ?? '')) {
    problems.push('MAIL_FROM is not usable: with SMTP_URL, set the address that messages come from.');
  }
  if (config.pushToLoopback) problems.push(...refusedWithLoopback(config));
  problems.push(...sharedKeys(config.keys));
  if (production) problems.push(...refusedInProduction(config));
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

function refusedInProduction({ demo, baseUrl }: { demo: boolean; baseUrl: string | undefined }) {
  const problems: string[] = [];
  if (demo) problems.push('DEMO is on, and its accounts are known to all: set DEMO=false, or leave it out.');
  if (baseUrl === undefined) {
    problems.push('BASE_URL is not set: set it to the https:// address that people and systems use.');
  } else if (!baseUrl.startsWith('https://')) {
    problems.push('BASE_URL is plain http: set an https:// address (a proxy in front may end the TLS).');
  }
  return problems;
}

type Reach = { production: boolean; demo: boolean; host: string; baseUrl: string | undefined };

/** Whoever may subscribe could then have this machine post to itself, so nobody but its own user may reach it. */
function refusedWithLoopback({ production, demo, host, baseUrl }: Reach) {
  if (production || !demo) return ['PUSH_TO_LOOPBACK is on, and is for trying the demo alone: leave it out.'];
  const reached = [host, ...(baseUrl ? [new URL(baseUrl).hostname] : [])];
  if (reached.every((name) => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(name))) return [];
  return ['PUSH_TO_LOOPBACK is on while others can reach the service: leave out HOST and BASE_URL, or it.'];
}

/** Keys of different purposes must not be one key: a weakness of one use would reach the other. */
function sharedKeys(keys: Record<KeySetting, Buffer | undefined>) {
  const owners = new Map<string, KeySetting>();
  const problems: string[] = [];
  for (const name of KEY_SETTINGS) {
    const value = keys[name]?.toString('base64');
    if (value === undefined) continue;
    const other = owners.get(value);
    if (other) problems.push(`${name} is the same key as ${other}: set a key of its own.`);
    owners.set(value, name);
  }
  return problems;
}

const PROXY = /^([0-9a-f.:]*[.:][0-9a-f.:]*(\/\d{1,3})?|loopback|linklocal|uniquelocal)$/i;

function reader(env: NodeJS.ProcessEnv, problems: string[]) {
  const text = (name: string) => env[name]?.trim() || undefined;

  /** Hands the value to `parse`; what comes back undefined is a problem, told with what would be right. */
  function parsed<T>(name: string, expected: string, parse: (value: string) => T | undefined): T | undefined {
    const value = text(name);
    if (value === undefined) return undefined;
    const result = parse(value);
    // The value itself is left out: a password pasted into the wrong setting must not reach a log.
    if (result === undefined) problems.push(`${name} is not usable: set ${expected}.`);
    return result;
  }

  return {
    text,
    path: (name: string) => (text(name) === undefined ? undefined : resolve(text(name) as string)),
    integer: (name: string, min: number, max: number) =>
      parsed(name, `a whole number from ${min} to ${max}`, (value) => {
        const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
        return number >= min && number <= max ? number : undefined;
      }),
    flag: (name: string) =>
      parsed(name, 'true or false', (value) => ({ true: true, false: false })[value.toLowerCase()]),
    oneOf: <T extends string>(name: string, values: readonly T[]) =>
      parsed(name, `one of ${values.join(', ')}`, (value) => values.find((known) => known === value)),
    origin: (name: string) =>
      parsed(name, 'an address such as https://records.example.org, without a path', (value) => {
        const url = URL.parse(value);
        const plain = url && `${url.pathname}${url.search}${url.hash}${url.username}` === '/';
        return plain && /^https?:$/.test(url.protocol) ? url.origin : undefined;
      }),
    databaseUrl: (name: string) =>
      parsed(name, 'postgres://user:password@host:5432/database, without "options"', (value) => {
        const url = URL.parse(value);
        // `options` in the address would displace the role that the service confines itself to.
        const ours = url && /^postgres(ql)?:$/.test(url.protocol) && !url.searchParams.has('options');
        return ours && url.pathname.length > 1 ? value : undefined;
      }),
    url: (name: string, expected: string, protocols: readonly string[]) =>
      parsed(name, expected, (value) => {
        const url = URL.parse(value);
        return url && protocols.includes(url.protocol) && url.hostname !== '' ? value : undefined;
      }),
    proxies: (name: string) =>
      parsed(name, 'false, the number of proxies in front, or their addresses with commas', (value) => {
        if (value === 'false') return false;
        if (/^[1-9]$/.test(value)) return Number(value);
        // "true" would believe whatever address a caller writes into X-Forwarded-For.
        const addresses = value.split(',').map((address) => address.trim());
        return addresses.every((address) => PROXY.test(address)) ? addresses : undefined;
      }) ?? false,
    key: (name: string) =>
      parsed(name, '32 random bytes in base64, such as `openssl rand -base64 32` prints', (value) => {
        const key = Buffer.from(value, 'base64');
        return key.length === 32 && looksRandom(key) ? key : undefined;
      }),
  };
}

/**
 * Refuses what is well known: one byte repeated, a counted run, a phrase. 32 random bytes have about 30 different
 * values and about half of them above 127; that fewer than 16 differ, or none is above 127, does not happen by chance
 * (less than once in four thousand million).
 */
function looksRandom(key: Buffer) {
  const steps = new Set(key.map((byte, index) => byte - (key[index - 1] ?? 0)).subarray(1));
  return new Set(key).size >= 16 && key.some((byte) => byte > 127) && steps.size > 2;
}
