import { randomUUID } from 'node:crypto';
import type { ClientBase } from 'pg';
import { hashOfToken, newToken } from './sealed.ts';

/** What a browser's device cookie proved, and the cookie it has now. */
export type Device =
  | { outcome: 'known'; id: string; token: string }
  /** No cookie, one that is nobody's, or one of a device that ended: a device of its own, paired with nobody. */
  | { outcome: 'new'; id: string; token: string }
  /** A cookie that was used up: this browser or another has a stolen one, so the device ended. */
  | { outcome: 'stolen'; id: string; token: string; endedDevice: string };

type Seen = { now: Date; userAgent: string };

/** Two tabs that are opened at once send the same cookie, one a moment after the other moved it on. */
const MOVING_SECONDS = 2;

/**
 * Recognises a browser by its device cookie, and gives it the next one. The cookie that came becomes the current one;
 * those given in the place of the one before are used up, all but it. So when a copy is used as well as the original,
 * whoever comes second with a used-up cookie shows that there are two, and the device ends for both. An answer that
 * never arrived does no harm: its cookie was never current. Call it inside a transaction.
 */
export async function recogniseDevice(
  client: ClientBase,
  cookie: string | undefined,
  seen: Seen,
): Promise<Device> {
  const hash = hashOfToken(cookie);
  const found = hash && (await lockDevice(client, hash));
  if (!hash || !found || found.ended) return { outcome: 'new', ...(await newDevice(client, seen)) };
  const current = hash.equals(found.currentHash);
  const next = found.parentHash?.equals(found.currentHash) ?? false;
  const moving =
    (found.previousHash?.equals(hash) ?? false) &&
    seen.now.getTime() - found.movedAt.getTime() < MOVING_SECONDS * 1000;
  if (!current && !next && !moving) {
    await endDevice(client, found.id, 'cookie-reused', seen.now);
    return { outcome: 'stolen', endedDevice: found.id, ...(await newDevice(client, seen)) };
  }
  if (next) {
    await client.query({
      name: 'launch-device-move',
      text: `update launch_device set current_hash = $2, previous_hash = $3, moved_at = $4, last_seen_at = $4
              where id = $1`,
      values: [found.id, hash, found.currentHash, seen.now],
    });
  }
  const { token, hash: nextHash } = newToken();
  // In the moment of moving the next cookie follows the one that is current by now, as its own tab's does.
  await insertToken(client, found.id, nextHash, moving ? found.currentHash : hash, seen.now);
  return { outcome: 'known', id: found.id, token };
}

/** The device ends, and nothing opens with any of its cookies any more. */
export async function endDevice(
  client: Pick<ClientBase, 'query'>,
  id: string,
  reason: 'cookie-reused' | 'ended-by-person',
  now: Date,
): Promise<void> {
  await client.query({
    name: 'launch-device-end',
    text: 'update launch_device set ended_at = $2, end_reason = $3 where id = $1 and ended_at is null',
    values: [id, now, reason],
  });
}

async function lockDevice(client: ClientBase, hash: Buffer) {
  const { rows } = await client.query({
    name: 'launch-device-lock',
    text: `
      select d.id, d.current_hash as "currentHash", d.previous_hash as "previousHash", d.moved_at as "movedAt",
             d.ended_at is not null as ended, t.parent_hash as "parentHash"
        from launch_device_token t join launch_device d on d.id = t.device_id
       where t.token_hash = $1 for update of d`,
    values: [hash],
  });
  return rows[0] as
    | {
        id: string;
        currentHash: Buffer;
        previousHash: Buffer | null;
        movedAt: Date;
        ended: boolean;
        parentHash: Buffer | null;
      }
    | undefined;
}

async function newDevice(client: ClientBase, { now, userAgent }: Seen) {
  const id = randomUUID();
  const { token, hash } = newToken();
  await client.query({
    name: 'launch-device-insert',
    text: `insert into launch_device (id, current_hash, moved_at, created_at, last_seen_at, user_agent)
           values ($1, $2, $3, $3, $3, $4)`,
    values: [id, hash, now, userAgent.slice(0, 200)],
  });
  await insertToken(client, id, hash, null, now);
  return { id, token };
}

const insertToken = (client: ClientBase, deviceId: string, hash: Buffer, parent: Buffer | null, now: Date) =>
  client.query({
    name: 'launch-device-token',
    text: 'insert into launch_device_token (token_hash, device_id, parent_hash, issued_at) values ($1, $2, $3, $4)',
    values: [hash, deviceId, parent, now],
  });
