import { newRootId } from '../ids.ts';
import keys from './keys.json' with { type: 'json' };
import { createRandom, type Random } from './random.ts';
import { SYSTEMS, type SystemFacts } from './system-catalogue.ts';

export type DemoCompany = { id: string; name: string };

/** A private key in JWK form (RFC 7517), RSA or elliptic curve. */
export type PrivateJwk = { kid: string; alg: string; use: string; kty: string; d: string } & Record<
  string,
  string
>;

export type DemoSystem = Omit<SystemFacts, 'key'> & {
  clientId: string;
  companyId: string;
  authMethod: 'client_secret_basic' | 'private_key_jwt';
  clientSecret?: string;
  privateJwk?: PrivateJwk;
};

/** Five companies and their systems: six live ones, then one draft and one suspended that nobody may find. */
export function makeSystems(seed: string): { companies: DemoCompany[]; systems: DemoSystem[] } {
  const random = createRandom(`${seed}/systems`);
  const names = [...new Set(SYSTEMS.map(({ company }) => company))];
  const companies = names.map((name) => ({ id: newRootId(random.bytes), name }));
  const systems = SYSTEMS.map(({ key, ...facts }) => ({
    ...facts,
    clientId: newRootId(random.bytes),
    companyId: companies.find(({ name }) => name === facts.company)!.id,
    ...credentials(random, key),
  }));
  return { companies, systems };
}

/** The keys are in the open on purpose, like every secret of the demo world: examples must be able to use them. */
function credentials(random: Random, key: SystemFacts['key']) {
  return key
    ? { authMethod: 'private_key_jwt' as const, privateJwk: keys[key] as unknown as PrivateJwk }
    : { authMethod: 'client_secret_basic' as const, clientSecret: random.bytes(32).toString('base64url') };
}

/** The public half, which is what the service keeps. */
export function publicJwk({ kid, alg, use, ...key }: PrivateJwk): Record<string, string> {
  const { kty, n, e, crv, x, y } = key as Record<string, string>;
  return kty === 'RSA'
    ? { kid, alg, use, kty, n: n!, e: e! }
    : { kid, alg, use, kty: kty!, crv: crv!, x: x!, y: y! };
}
