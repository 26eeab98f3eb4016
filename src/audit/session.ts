import type { Client } from 'pg';
import type { Database } from '../database/connect.ts';

export type Session = ReturnType<typeof createSession>;

/** The audit's own connection, opened when it is asked for and not there. */
export function createSession(database: Pick<Database, 'newClient'>) {
  let current: Client | undefined;

  const drop = () => {
    const client = current;
    current = undefined;
    // With a query under way this closes the socket, and the query fails: that is how a hung one is ended.
    client?.end().catch(() => undefined);
  };

  return {
    connected: () => current !== undefined,
    drop,

    /** @throws when the database cannot be reached. */
    async open(): Promise<Client> {
      if (current) return current;
      const client = database.newClient({ application_name: 'connected-systems audit' });
      client.on('error', () => undefined); // what comes of it is told when it is used next
      client.on('end', () => {
        if (current === client) current = undefined;
      });
      try {
        await client.connect();
        await client.query(DURABLE);
      } catch (error) {
        client.end().catch(() => undefined);
        throw error;
      }
      current = client;
      return client;
    },
  };
}

/** A server or role may be set to answer before a commit is on disk; stricter settings are left as they are. */
const DURABLE = `
  select set_config('synchronous_commit', 'on', false)
   where current_setting('synchronous_commit') in ('off', 'local', 'remote_write')`;
