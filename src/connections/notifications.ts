import type { Pool } from 'pg';
import { type Acting, asStaff } from './acting.ts';
import { kindInWords } from './kinds-in-words.ts';

type Row = {
  id: string;
  topic: string;
  types: string[] | null;
  host: string;
  status: string;
  error: string | null;
  createdAt: Date;
  delivered: string;
  deliveredAt: Date | null;
  waiting: number;
  givenUp: number;
  givenUpAt: Date | null;
};

/** A subscription of a connection as its organisation's staff see it. */
export type Notified = Omit<Row, 'topic' | 'types' | 'status' | 'error' | 'delivered'> & {
  delivered: number;
  about: string;
  standing: string;
  problem: string | null;
};

/** What a connection's system is told of, and how that goes; none for another organisation's connection. */
export async function notificationsOf(
  pool: Pool,
  acting: Pick<Acting, 'accountId' | 'organisationId'>,
  connectionId: string,
): Promise<Notified[]> {
  const rows = await asStaff(pool, acting, async (client) => {
    const { rows } = await client.query<Row>({
      name: 'connection-subscriptions',
      text: `select id, topic, types, host, status, error, created_at as "createdAt", delivered,
                    delivered_at as "deliveredAt", waiting, given_up as "givenUp", given_up_at as "givenUpAt"
               from staff_subscriptions($1)`,
      values: [connectionId],
    });
    return rows;
  });
  return 'outcome' in rows ? [] : rows.map(inWords);
}

function inWords({ topic, types, status, error, delivered, ...row }: Row): Notified {
  const kinds = types?.map((type) => kindInWords(type).toLowerCase());
  return {
    ...row,
    delivered: Number(delivered),
    about: `${ABOUT[topic] ?? topic}${kinds ? `: ${kinds.join(', ')}` : ''}`,
    standing: STANDING[status] ?? status,
    problem: error && problemInWords(error),
  };
}

const ABOUT: Record<string, string | undefined> = {
  'letter-read': 'Letters that patients open',
  'patient-registered': 'Patients who are registered',
  'invitation-used': 'Invitations that are used',
  'record-changed': 'Changes in records',
  'connection-changed': 'Changes to this connection',
};

const STANDING: Record<string, string | undefined> = {
  requested: 'Waiting for its endpoint to agree',
  active: 'Working',
  error: 'Failing',
  off: 'Off',
};

/** Codes of the sender's (subscriptions/post.ts). */
function problemInWords(error: string): string {
  const status = /^HTTP (\d{3})$/.exec(error)?.[1];
  if (status) return `Its endpoint answers with the error ${status}`;
  if (error === 'endpoint-not-allowed') return 'Its endpoint is not an address of the public internet';
  if (/time/i.test(error)) return 'Its endpoint does not answer in time';
  if (/CERT|TLS|SSL|SELF_SIGNED|ALTNAME/.test(error)) return 'The certificate of its endpoint is not valid';
  return 'Its endpoint cannot be reached';
}
