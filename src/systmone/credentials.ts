import { randomUUID } from 'node:crypto';
import type { ClientBase, Pool } from 'pg';
import type { Context } from '../context.ts';
import { newInvitationPair, readCode } from '../invitations/codes.ts';
import { type AttemptLimit, type Attempts, networkOf, withinHour } from '../sign-in/attempts.ts';
import { inTransaction } from './acting.ts';
import { keyed } from './sealed.ts';
import { sessionStands } from './standing.ts';

/** Long enough to walk to another room, and to ask somebody how it is done. */
export const CODES_SECONDS = 24 * 3600;

const PER_NETWORK: AttemptLimit = {
  purpose: 'launch-codes-network',
  free: 20,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};
const PER_CODE: AttemptLimit = {
  purpose: 'launch-codes-code',
  free: 5,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};

type Needs = Pick<Context, 'database' | 'secrets' | 'now'> & { attempts: Attempts };
type Person = { accountId: string; organisationId: string };
/** `sessionId`: as stored, hexadecimal. */
type Asking = Person & { sessionId: string };

/**
 * The pair of codes with which a person connects a clinical system without signing in there. They make it themselves;
 * making new ones ends the old, each pair works once, and for one organisation.
 */
export function createCredentials({ database, secrets, now, attempts }: Needs) {
  const first = (code: string) => keyed(secrets.pepper, 'first code', code);
  const second = (code: string) => keyed(secrets.pepper, 'second code', code);

  /** Null, and no codes, when the session that asks has ended meanwhile. */
  async function makeCodes({ accountId, organisationId, sessionId }: Asking) {
    const { code, token } = newInvitationPair(secrets.pepper);
    const expiresAt = new Date(now().getTime() + CODES_SECONDS * 1000);
    const made = await inTransaction(database.service, async (client) => {
      if (!(await sessionStands(client, sessionId))) return false;
      // Of two that make codes for one person at once, one waits here and ends the other's.
      await client.query('select from staff_role where account_id = $1 and organisation_id = $2 for update', [
        accountId,
        organisationId,
      ]);
      await endCodes(client, { accountId, organisationId }, now());
      await client.query({
        name: 'launch-credential-insert',
        text: `insert into launch_credential (id, account_id, organisation_id, first_hash, second_hash, created_at,
                                              expires_at) values ($1, $2, $3, $4, $5, $6, $7)`,
        values: [randomUUID(), accountId, organisationId, first(code), second(token), now(), expiresAt],
      });
      return true;
    });
    if (!made) return null;
    return { first: code, second: token, expiresAt };
  }

  /** Uses a pair up. Wrong, used, ended and expired ones are not told apart. */
  async function useCodes(
    organisationId: string,
    typed: { first: string; second: string },
    address: string,
  ): Promise<
    | { result: 'right'; accountId: string; credentialId: string }
    | { result: 'wrong' }
    | { result: 'wait'; seconds: number }
  > {
    const network = withinHour(networkOf(address), now());
    const [one, two] = [readCode(typed.first) ?? '', readCode(typed.second) ?? ''];
    const seconds =
      (await attempts.count(PER_NETWORK, network, now())) ??
      (await attempts.count(PER_CODE, `${organisationId} ${one}`, now()));
    if (seconds !== null) return { result: 'wait', seconds };
    const { rows } = await database.service.query({
      name: 'launch-credential-use',
      text: `
        update launch_credential c set used_at = $4
          from staff_role r, account a
         where c.first_hash = $1 and c.second_hash = $2 and c.organisation_id = $3
           and c.used_at is null and c.ended_at is null and c.expires_at > $4
           and r.account_id = c.account_id and r.organisation_id = c.organisation_id and r.ended_at is null
           and a.id = c.account_id and a.disabled_at is null
        returning c.account_id as "accountId", c.id as "credentialId"`,
      values: [first(one), second(two), organisationId, now()],
    });
    if (!rows[0]) return { result: 'wrong' };
    await attempts.uncount(PER_NETWORK, network);
    return { result: 'right', ...rows[0] };
  }

  /** Whether a pair is waiting to be used, and until when. */
  async function standingCodes({ accountId, organisationId }: Person): Promise<Date | null> {
    const { rows } = await database.service.query({
      name: 'launch-credential-standing',
      text: `select expires_at from launch_credential where account_id = $1 and organisation_id = $2
                and used_at is null and ended_at is null and expires_at > $3`,
      values: [accountId, organisationId, now()],
    });
    return rows[0]?.expires_at ?? null;
  }

  return { makeCodes, useCodes, standingCodes };
}

const endCodes = (
  client: Pick<ClientBase | Pool, 'query'>,
  { accountId, organisationId }: Person,
  now: Date,
) =>
  client.query({
    name: 'launch-credential-end',
    text: `update launch_credential set ended_at = $3
            where account_id = $1 and organisation_id = $2 and used_at is null and ended_at is null`,
    values: [accountId, organisationId, now],
  });
