import { newRootId, pooledRandom } from '../../ids.ts';
import { newInvitationPair } from '../../invitations/codes.ts';
import { type Answer, afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import { answerEach, identifierPart, text } from './answer-each.ts';
import { changing } from './changing.ts';
import { nationalLookup, UNUSABLE_WORDS } from './national-lookup.ts';
import { readParameters, type SentIdentifier } from './read-parameters.ts';

type Row = DecisionRow & {
  n: number | null;
  result: string;
  patient_id: string;
  place: number | null;
  expires_at: Date;
};

const INVITE = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (
    select i.n, i.outcome as result, i.patient_id, i.place, i.expires_at
      from (select 1 where d.outcome = 'allowed' offset 0) go,
           fhir_invite_patients($4, $5, $6, $7, $8, $9, $10, $11, d.connection_id) i
    offset 0) x on true`;

/**
 * `Organization/$generate-invitation-tokens`: a single-use pair of codes for each patient who may join, shown here and
 * never again; for all others, why not. With `revokeOlder`, the organisation's earlier pairs for them end.
 */
export async function generateInvitationTokens(room: Room, call: Call): Promise<Outcome> {
  const asked = askedBy(call, 'Organization', '$generate-invitation-tokens');
  const { identifiers, flags } = readParameters(call, {
    list: 'patientIdentifier',
    max: 500,
    flags: ['revokeOlder'],
  });
  const { unusable, values } = nationalLookup(identifiers);
  return changing(room, call, asked, async ({ query }) => {
    const count = identifiers.length - unusable.size;
    const random = pooledRandom(count * RANDOM_BYTES);
    const pairs = Array.from({ length: count }, () => newInvitationPair(room.context.secrets.pepper, random));
    const rows = await query<Row>('operation-invite', INVITE, [
      ...asked,
      ...values,
      pairs.map(() => newRootId(random)),
      pairs.map(({ codeHash }) => codeHash),
      pairs.map(({ tokenHash }) => tokenHash),
      flags.revokeOlder ?? false,
    ]);
    return afterDecision(rows, () => answerOf(identifiers, unusable, pairs, rows));
  });
}

/** Two codes, each made of twenty bytes nearly always, and an id. */
const RANDOM_BYTES = 56;

type Pair = Pick<ReturnType<typeof newInvitationPair>, 'code' | 'token'>;

function answerOf(
  identifiers: readonly SentIdentifier[],
  unusable: ReturnType<typeof nationalLookup>['unusable'],
  pairs: readonly Pair[],
  rows: readonly Row[],
): Answer {
  const byPlace = new Map(rows.map((row) => [row.n, row]));
  return answerEach('patientTokens', identifiers, (identifier, n) => {
    const named = identifierPart('patientIdentifier', identifier);
    const row = byPlace.get(n);
    const pair = row?.place ? pairs[row.place - 1] : undefined;
    if (!row || !pair) {
      const outcome = row?.result ?? unusable.get(n) ?? 'not-found';
      return {
        outcome,
        patientId: row?.patient_id,
        parts: `${named},${text('diagnostics', WORDS[outcome]!)}`,
      };
    }
    return {
      outcome: 'invited',
      patientId: row.patient_id,
      parts:
        `${named},${text('token', pair.token)},${text('code', pair.code)},` +
        `{"name":"expiry","valueDateTime":"${row.expires_at.toISOString()}"}`,
    };
  });
}

const WORDS: Record<string, string | undefined> = {
  ...UNUSABLE_WORDS,
  'not-found': 'Not found',
  deceased: 'The patient has died',
  'already-registered': 'The patient has joined already',
  'birth-date-missing': 'No date of birth is known, and joining asks for it',
  'under-16': 'Nobody can join before the age of 16',
};
