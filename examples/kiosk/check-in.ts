import type { FhirClient } from '../shared/fhir-client.ts';
import { type Invitation, invite, statusOf } from '../shared/operations.ts';

export type Visitor = { nhsNumber: string; birthDate: string; email: string; mobile: string };

type CheckedIn =
  | { came: 'ask-at-desk' }
  | { came: 'not-invited'; outcome: string }
  | { came: 'invited'; invitation: Required<Pick<Invitation, 'code' | 'token' | 'expiry'>> };

/**
 * Checks one patient in. Somebody whose date of birth is another than the record's is told what somebody unknown is
 * told: a kiosk in a waiting room must not say whose number it is.
 */
export async function checkIn(
  client: FhirClient,
  { nhsNumber, birthDate }: Visitor,
  requestKey: string,
): Promise<CheckedIn> {
  const status = (await statusOf(client, [nhsNumber])).get(nhsNumber);
  if (status?.outcome !== 'found' || status.deceased || status.birthDate !== birthDate)
    return { came: 'ask-at-desk' };
  if (status.registered) return { came: 'not-invited', outcome: 'already-registered' };
  const invitation = (await invite(client, [nhsNumber], requestKey)).get(nhsNumber);
  const { code, token, expiry } = invitation ?? {};
  if (!code || !token || !expiry) return { came: 'not-invited', outcome: invitation?.outcome ?? 'unknown' };
  return { came: 'invited', invitation: { code, token, expiry } };
}
