import type { JWK } from 'jose';
import type { Proof } from './proof.ts';
import { readText } from './read-text.ts';
import { UsageError } from './usage-error.ts';

export type Settings = {
  /** Without a slash at the end. */
  fhirBase: string;
  clientId: string;
  proof: Proof;
  /** The demo world, when the settings came from its description. */
  demo?: Demo;
};

/** The organisation of the demo world that the base address is for. */
export const demoOrganisation = ({ demo, fhirBase }: Settings) =>
  demo?.organisations.find((one) => one.fhirBase === fhirBase);

/** The parts of DEMO_FILE that these programs use; docs/demo-world.md documents it. */
type Demo = {
  organisations: { name: string; odsCode: string; publicId: string; fhirBase: string }[];
  systems: { name: string; clientId: string; clientSecret?: string; privateJwk?: JWK }[];
  patients: { id: string; nhsNumber: string; birthDate: string; organisations: string[]; email?: string }[];
};

/** The flags that both programs know, for `parseArgs`. */
export const CONNECTION_FLAGS = {
  base: { type: 'string' },
  'client-id': { type: 'string' },
  key: { type: 'string' },
  'secret-file': { type: 'string' },
  'demo-file': { type: 'string' },
  organisation: { type: 'string' },
  system: { type: 'string' },
} as const;

export const CONNECTION_HELP = `Connection (a flag, or the environment variable behind it):
  --base URL           the organisation's FHIR base, as its administrator sent it    FHIR_BASE
  --client-id ID       your System Client ID                                         CLIENT_ID
  --key FILE           your private key, a JWK with kid and alg (RS384 or ES384)     PRIVATE_KEY_FILE
  --secret-file FILE   your client secret, instead of a key                          CLIENT_SECRET_FILE
Or, to try it in the demo world:
  --demo-file FILE     the file that the service wrote to its DEMO_FILE              DEMO_FILE
  --organisation NAME  which organisation: name, ODS code or public id (the first)
  --system NAME        which third-party system`;

type Flags = Partial<Record<keyof typeof CONNECTION_FLAGS, string | undefined>>;

/**
 * Where to call and who is calling: flags first, then the environment, then the demo file.
 * @param demoSystem the system that the program plays in the demo world unless told otherwise
 * @throws {UsageError} saying what to set
 */
export function readSettings(flags: Flags, env: NodeJS.ProcessEnv, demoSystem: string): Settings {
  const demoFile = flags['demo-file'] ?? env.DEMO_FILE;
  const demo = demoFile ? (json(demoFile, 'DEMO_FILE') as Demo) : undefined;
  const system = demo && pick(demo.systems, flags.system ?? demoSystem, ['name', 'clientId'], '--system');
  const organisation =
    demo &&
    (flags.organisation
      ? pick(demo.organisations, flags.organisation, ['name', 'odsCode', 'publicId'], '--organisation')
      : demo.organisations[0]);

  const fhirBase = flags.base ?? env.FHIR_BASE ?? organisation?.fhirBase;
  const clientId = flags['client-id'] ?? env.CLIENT_ID ?? system?.clientId;
  const proof = proofIn(flags, env) ?? demoProof(system);
  const missing = [
    !fhirBase && '--base (or FHIR_BASE)',
    !clientId && '--client-id (or CLIENT_ID)',
    !proof && '--key (or PRIVATE_KEY_FILE), or --secret-file (or CLIENT_SECRET_FILE)',
  ].filter(Boolean);
  if (missing.length > 0) {
    throw new UsageError(
      `Set ${missing.join('; ')}. To try it in the demo world, set --demo-file (or DEMO_FILE) alone.`,
    );
  }
  return { fhirBase: checkedBase(fhirBase!), clientId: clientId!, proof: proof!, demo };
}

function proofIn(flags: Flags, env: NodeJS.ProcessEnv): Proof | undefined {
  const keyFile = flags.key ?? env.PRIVATE_KEY_FILE;
  const secretFile = flags['secret-file'] ?? env.CLIENT_SECRET_FILE;
  if (keyFile && secretFile) throw new UsageError('Give a key or a secret, not both.');
  if (keyFile) return { by: 'key', jwk: checkedKey(json(keyFile, 'the private key') as JWK, keyFile) };
  if (secretFile) return { by: 'secret', secret: readText(secretFile, 'the client secret').trim() };
  return undefined;
}

function demoProof(system: Demo['systems'][number] | undefined): Proof | undefined {
  if (system?.privateJwk) return { by: 'key', jwk: system.privateJwk };
  return system?.clientSecret ? { by: 'secret', secret: system.clientSecret } : undefined;
}

function checkedKey(jwk: JWK, file: string): JWK {
  const problem =
    (!jwk.d && 'has no private part (“d”)') ||
    (!jwk.kid && 'has no “kid”: give it the one under which its public half is registered') ||
    (!['RS384', 'ES384'].includes(jwk.alg ?? '') && 'has no “alg” of RS384 or ES384');
  if (problem) throw new UsageError(`The key in ${file} ${problem}.`);
  return jwk;
}

/** Tokens and patients' data go there, so it must be https, unless it is this computer. */
function checkedBase(base: string): string {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '');
  if (!url || !(url.protocol === 'https:' || (url.protocol === 'http:' && local))) {
    throw new UsageError(`${base} is not usable as a FHIR base: it must be an https:// address.`);
  }
  return base.replace(/\/+$/, '');
}

function pick<Item extends object>(
  items: readonly Item[],
  wanted: string,
  keys: (keyof Item)[],
  flag: string,
): Item {
  const found = items.find((item) =>
    keys.some((key) => String(item[key]).toLowerCase() === wanted.toLowerCase()),
  );
  if (found) return found;
  const names = items.map((item) => item[keys[0]!]).join(', ');
  throw new UsageError(`${flag} ${wanted} is not in the demo world. There are: ${names}.`);
}

function json(file: string, what: string): unknown {
  const content = readText(file, what);
  try {
    return JSON.parse(content);
  } catch {
    throw new UsageError(`${file} (${what}) is not JSON.`);
  }
}
