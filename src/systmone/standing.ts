import type { ClientBase } from 'pg';

/**
 * Whether the session, as stored in hexadecimal, has not ended, and it cannot until the transaction is over. What is
 * made in its name stands by then, so that whoever ends all of an account's sessions finds that too (`end_ways_in`).
 */
export async function sessionStands(client: ClientBase, sessionId: string): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'launch-session-stands',
    text: 'select from staff_session where id_hash = $1 and ended_at is null for share',
    values: [Buffer.from(sessionId, 'hex')],
  });
  return rowCount === 1;
}

/** As `sessionStands`, for a pair of codes that was typed: it is used up, but nobody has ended it since. */
export async function credentialStands(client: ClientBase, credentialId: string): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'launch-credential-stands',
    text: 'select from launch_credential where id = $1 and ended_at is null for share',
    values: [credentialId],
  });
  return rowCount === 1;
}
