import type { FhirClient } from '../shared/fhir-client.ts';
import { type Folder, openLedger } from '../shared/ledger.ts';
import { INVITE_MAX, inBatches, invite, type Status } from '../shared/operations.ts';

const COLUMNS = ['nhs_number', 'code', 'token', 'expiry'] as const;

/**
 * Invites the patients who do not use their record yet, once until the invitation ends; the codes go into
 * invitations.csv, from where they are sent on. Answers who could not be invited, and why.
 */
export async function invitePatients(
  client: FhirClient,
  statuses: ReadonlyMap<string, Status>,
  { folder, now }: { folder: Folder; now: () => Date },
) {
  const ledger = openLedger(folder.file('invitations.csv'), COLUMNS);
  const standing = new Set(
    ledger.entries.filter(({ expiry }) => new Date(expiry) > now()).map(({ nhs_number: number }) => number),
  );
  const absent = [...statuses]
    .filter(([, { outcome, registered, deceased }]) => outcome === 'found' && !registered && !deceased)
    .map(([nhsNumber]) => nhsNumber);
  const cannot = new Map<string, string>();
  let invited = 0;
  for (const batch of inBatches(
    absent.filter((nhsNumber) => !standing.has(nhsNumber)),
    INVITE_MAX,
  )) {
    const answers = await invite(client, batch, folder.requestKey);
    const made = [...answers].flatMap(([nhsNumber, { outcome, code, token, expiry }]) => {
      if (code && token && expiry) return [{ nhs_number: nhsNumber, code, token, expiry }];
      cannot.set(nhsNumber, outcome);
      return [];
    });
    ledger.add(made);
    invited += made.length;
  }
  return { invited, earlier: absent.filter((nhsNumber) => standing.has(nhsNumber)).length, cannot };
}
