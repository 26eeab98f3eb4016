import { rename, rm, writeFile } from 'node:fs/promises';
import { StartError } from '../database/start-error.ts';
import { describeSignIn } from './identity-provider/set-up.ts';
import { describeLaunches } from './launches.ts';
import { patientsExtra } from './patients-extra.ts';
import type { World } from './world.ts';

/** As many patients as the file lists: enough for scripts and tests, and still a file that one can open. */
const PATIENTS = 200;

export type DemoFile = ReturnType<typeof describeWorld>;

/**
 * The demo world for scripts, examples and tests; `docs/demo-world.md` documents it. Holds every demo secret.
 * @param baseUrl the service's address, without a slash at the end
 */
export function describeWorld(world: World, baseUrl: string) {
  const listed = first(PATIENTS, world.patients());
  const { accounts, invitations, letters } = patientsExtra(world, listed);
  return {
    baseUrl,
    organisations: world.organisations.map(({ id, name, odsCode }) => ({
      name,
      odsCode,
      publicId: id,
      fhirBase: `${baseUrl}/organisations/${id}/fhir/R4`,
    })),
    // A person with roles in two organisations is listed once for each.
    staff: world.staff.flatMap(({ email, password, totpSecret, roles }) =>
      roles.map(({ role, organisationId }) => ({
        email,
        password,
        totpSecret,
        role,
        organisation: organisationId,
      })),
    ),
    systems: world.systems
      .filter(({ standing }) => standing === 'live')
      .map(({ name, company, clientId, clientSecret, privateJwk, scopes }) => ({
        name,
        company,
        clientId,
        clientSecret,
        privateJwk,
        scopes,
      })),
    // What stands between an organisation and a system now; what came before it is history.
    connections: world.connections
      .filter(({ superseded }) => !superseded)
      .map(({ organisationId, clientId, status, scopes }) => ({
        organisation: organisationId,
        clientId,
        status,
        scopes,
      })),
    launches: describeLaunches(world, baseUrl),
    identityProviders: describeSignIn(world, baseUrl),
    // E-mail address and password: of those who have joined.
    patients: listed.map(({ id, nhsNumber, birthDate, family, given, registrations }) => ({
      id,
      nhsNumber,
      birthDate,
      family,
      given: given[0]!,
      organisations: registrations.map(({ organisationId }) => organisationId),
      email: accounts.get(id)?.email,
      password: accounts.get(id)?.password,
    })),
    invitations: invitations.map(({ patientId, code, token, expiresAt }) => ({
      patientId,
      code,
      token,
      expiry: expiresAt,
    })),
    letters: letters.map(({ patientId, organisationId, system, identifier, readAt }) => ({
      identifier,
      system,
      organisation: organisationId,
      patientId,
      read: readAt !== null,
    })),
  };
}

/** Writes the description where only the owner may read it; whoever waits for the file sees it whole. */
export async function writeDemoFile(path: string, world: World, baseUrl: string): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(draft, `${JSON.stringify(describeWorld(world, baseUrl), null, 2)}\n`, { mode: 0o600 });
    await rename(draft, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(
      'DEMO_FILE',
      `DEMO_FILE cannot be ${path} (${code}): set a file that you may write.`,
    );
  } finally {
    await rm(draft, { force: true });
  }
}

function first<T>(count: number, values: Iterable<T>): T[] {
  const taken: T[] = [];
  for (const value of values) {
    taken.push(value);
    if (taken.length === count) break;
  }
  return taken;
}
