import { newRootId } from '../../../ids.ts';
import { newInvitationPair } from '../../../invitations/codes.ts';
import { isEmailAddress, putMessage } from '../../../mail/index.ts';
import { askedBy, type Call } from '../../http/call.ts';
import type { Room } from '../../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../../store/purview.ts';
import type { Transaction } from '../changing.ts';
import { nationalLookup } from '../national-lookup.ts';

// Only where no pair of this organisation is open: a feed that says the same every day does not write every day.
const INVITE_ONE = `
select ${DECISION}, x.result
  from ${DECIDE} d
  left join lateral (
    select i.outcome as result
      from (select 1 where d.outcome = 'allowed' and not exists (
              select from unnest($5::integer[], $6::integer[], $7::text[]) k(n, s, value)
                join registration_identifier r on r.organisation_id = d.organisation_id and r.value = k.value
                                              and r.system = ($4::text[])[k.s]
                join invitation v on v.route = r.route and v.patient_id = r.patient_id
                                 and v.organisation_id = d.organisation_id
               where v.used_at is null and v.revoked_at is null and v.expires_at > clock_timestamp()) offset 0) go,
           fhir_invite_patients($4, $5, $6, $7, $8, $9, $10, false, d.connection_id) i
    offset 0) x on true`;

/**
 * Writes to the patient with a pair of codes, in the caller's transaction, if the connection may make invitations, the
 * patient may join and no invitation is open. The message names neither the patient nor the organisation.
 * @returns whether a message is on its way
 */
export async function inviteByEmail(
  { context }: Pick<Room, 'context'>,
  { query, client }: Pick<Transaction, 'query' | 'client'>,
  call: Call,
  identifier: { system: string; value: string },
  email: string,
): Promise<boolean> {
  if (!isEmailAddress(email)) return false;
  const { code, token, codeHash, tokenHash } = newInvitationPair(context.secrets.pepper);
  const rows = await query<DecisionRow & { result: string | null }>('operation-invite-one', INVITE_ONE, [
    ...askedBy(call, 'Organization', '$generate-invitation-tokens'),
    ...nationalLookup([identifier]).values,
    [newRootId()],
    [codeHash],
    [tokenHash],
  ]);
  if (rows[0]?.result !== 'invited') return false;
  const message = invitation(email, `${context.baseUrl()}/join`, { code, token });
  await putMessage(client, context.secrets, 'invitation', message, context.now());
  return true;
}

/** The codes stand in the link's fragment, which is sent to no server. */
const invitation = (to: string, address: string, { code, token }: { code: string; token: string }) => ({
  to,
  subject: 'You can now see your health record online',
  text: [
    'An organisation that cares for you invites you to see your health record online.',
    `Open this page to join. It asks for your date of birth:\n${address}#code=${code}&token=${token}`,
    `If the link does not work, open ${address} and type these codes:\nInvitation code: ${code}\nAccess code: ${token}`,
    'The codes work once. If you did not expect this message, you need not do anything.',
    'Nobody from this service will ever ask you for your password or your codes.',
  ].join('\n\n'),
});
