import { createHmac } from 'node:crypto';
import type { Identifier, ParametersParameter } from '@medplum/fhirtypes';
import type { FhirClient } from './fhir-client.ts';
import { NHS_NUMBER } from './find-patient.ts';

/** As many as one request may name. */
export const QUERY_MAX = 5000;
export const INVITE_MAX = 500;

/** What came of one identifier: a stable code, and words for it when there is nothing more. */
type Each = { outcome: string; diagnostics?: string };
export type Status = Each & { registered?: boolean; deceased?: boolean; birthDate?: string };
export type Invitation = Each & { code?: string; token?: string; expiry?: string };
export type Receipt = Each & { read?: boolean; firstRead?: string; reportedUnreadable?: string };

/** `Patient/$status-query`: by NHS number, who uses their record and who has died. */
export async function statusOf(client: FhirClient, nhsNumbers: readonly string[]) {
  const found = new Map<string, Status>();
  for (const batch of inBatches([...new Set(nhsNumbers)], QUERY_MAX)) {
    const { parameter } = await client.operation('Patient/$status-query', batch.map(ofPatient));
    for (const each of partsOf(parameter, 'patientStatus')) {
      found.set(each('patientIdentifier')!.valueIdentifier!.value!, {
        ...outcomeOf(each),
        registered: each('registered')?.valueBoolean,
        deceased: each('deceased')?.valueBoolean,
        birthDate: each('dateOfBirth')?.valueDate,
      });
    }
  }
  return found;
}

/**
 * `Organization/$generate-invitation-tokens` for at most INVITE_MAX patients: their pairs of codes, which are shown
 * once, or why there is none.
 * @param requestKey a secret of the caller's: the same people under the same key get the same answer for a day, so that
 * an answer that was lost on its way is not lost
 */
export async function invite(client: FhirClient, nhsNumbers: readonly string[], requestKey: string) {
  const idempotencyKey = createHmac('sha256', requestKey).update(nhsNumbers.join()).digest('base64url');
  const path = 'Organization/$generate-invitation-tokens';
  const { parameter } = await client.operation(path, nhsNumbers.map(ofPatient), idempotencyKey);
  return new Map(
    partsOf(parameter, 'patientTokens').map((each): [string, Invitation] => [
      each('patientIdentifier')!.valueIdentifier!.value!,
      {
        ...outcomeOf(each),
        code: each('code')?.valueString,
        token: each('token')?.valueString,
        expiry: each('expiry')?.valueDateTime,
      },
    ]),
  );
}

/** `DocumentReference/$read-receipt-query`: by the value of the identifier, whether a letter has been opened. */
export async function receiptsOf(client: FhirClient, system: string, values: readonly string[]) {
  const found = new Map<string, Receipt>();
  for (const batch of inBatches(values, QUERY_MAX)) {
    const asked = batch.map((value) => ({ name: 'documentIdentifier', valueIdentifier: { system, value } }));
    const { parameter } = await client.operation('DocumentReference/$read-receipt-query', asked);
    for (const each of partsOf(parameter, 'readReceipt')) {
      found.set(each('documentIdentifier')!.valueIdentifier!.value!, {
        ...outcomeOf(each),
        read: each('read')?.valueBoolean,
        firstRead: each('firstRead')?.valueDateTime,
        reportedUnreadable: each('reportedUnreadable')?.valueDateTime,
      });
    }
  }
  return found;
}

export function* inBatches<Item>(items: readonly Item[], size: number): Generator<Item[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

type Part = (name: string) => ParametersParameter | undefined;

const ofPatient = (value: string) => ({
  name: 'patientIdentifier',
  valueIdentifier: { system: NHS_NUMBER, value } satisfies Identifier,
});

/** The answers of this name, each as a function that gives its part of a name. */
const partsOf = (parameters: readonly ParametersParameter[] | undefined, name: string): Part[] =>
  (parameters ?? [])
    .filter((one) => one.name === name)
    .map(
      ({ part = [] }) =>
        (wanted) =>
          part.find((one) => one.name === wanted),
    );

const outcomeOf = (each: Part): Each => ({
  outcome: each('outcome')?.valueCode ?? 'unknown',
  diagnostics: each('diagnostics')?.valueString,
});
