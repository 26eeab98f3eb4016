import { randomUUID } from 'node:crypto';
import type { ClientBase, Pool } from 'pg';
import { hashOfToken, newToken } from './sealed.ts';

/** What the database is told of a browser: its device cookie, and what it is given in the cookie's place. */
export function deviceOf(visitor: { deviceCookie: string | undefined; userAgent: string }) {
  const next = newToken();
  return {
    token: next.token,
    /** As launch_device_seen and launch_arrive take them, before the time (0016-launch-arrive.sql). */
    values: [hashOfToken(visitor.deviceCookie), next.hash, randomUUID(), visitor.userAgent.slice(0, 200)],
  };
}

/** Recognises a browser, and gives it its next cookie (`token`). Call it inside a transaction. */
export async function recogniseDevice(
  client: ClientBase,
  visitor: { deviceCookie: string | undefined; userAgent: string },
  now: Date,
): Promise<{ id: string; token: string }> {
  const { token, values } = deviceOf(visitor);
  const { rows } = await client.query({
    name: 'launch-device-seen',
    text: 'select device_id from launch_device_seen($1, $2, $3, $4, $5)',
    values: [...values, now],
  });
  return { id: rows[0].device_id, token };
}

/**
 * Whether the cookie is that of a browser somebody is connected in: everyone who opens a link is given one. Changes
 * nothing.
 */
export async function isConnectedDevice(database: Pool, cookie: string | undefined): Promise<boolean> {
  const hash = hashOfToken(cookie);
  if (!hash) return false;
  const { rowCount } = await database.query({
    name: 'launch-device-connected',
    text: `
      select from launch_device_token t
        join launch_device d on d.id = t.device_id
        join launch_pairing_device l on l.device_id = d.id
        join launch_pairing p on p.id = l.pairing_id
       where t.token_hash = $1 and d.ended_at is null and p.ended_at is null limit 1`,
    values: [hash],
  });
  return rowCount === 1;
}
