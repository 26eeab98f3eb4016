import type { Pool } from 'pg';
import { routeOf } from '../ids.ts';

export type PatientAccount = {
  id: string;
  patientId: string;
  email: string;
  name: string;
  passwordHash: string;
};

export type PatientSession = {
  idHash: Buffer;
  account: PatientAccount;
  csrf: string;
  createdAt: Date;
  lastSeenAt: Date;
};

const ACCOUNT = `a.id, a.patient_id as "patientId", a.email, a.name, a.password_hash as "passwordHash"`;

/** The SQL of patients' accounts and sessions. Times are the caller's, so that limits are tested without waiting. */
export function createPatientStore(database: Pick<Pool, 'query'>) {
  const run = async (name: string, text: string, values: unknown[]) =>
    database.query({ name: `patients-${name}`, text, values });

  return {
    async accountByEmail(email: string): Promise<PatientAccount | null> {
      const { rows } = await run(
        'account-by-email',
        `select ${ACCOUNT} from patient_account a where a.email = $1 and a.closed_at is null`,
        [email],
      );
      return rows[0] ?? null;
    },

    async setName(accountId: string, name: string): Promise<void> {
      await run(
        'set-name',
        'update patient_account set name = $3 where route = $1 and id = $2 and name <> $3',
        [routeOf(accountId), accountId, name],
      );
    },

    /** True unless the password was changed meanwhile. */
    async setPassword(accountId: string, next: string): Promise<boolean> {
      const { rowCount } = await run(
        'set-password',
        'update patient_account set password_hash = $3 where route = $1 and id = $2 and closed_at is null',
        [routeOf(accountId), accountId, next],
      );
      return rowCount === 1;
    },

    async liveSession(idHash: Buffer, now: Date, idleSeconds: number): Promise<PatientSession | null> {
      const { rows } = await run(
        'live-session',
        `select s.csrf_token, s.created_at, s.last_seen_at, ${ACCOUNT}
           from patient_session s join patient_account a on a.route = s.route and a.id = s.account_id
          where s.id_hash = $1 and s.ended_at is null and s.expires_at > $2
            and s.last_seen_at > $2 - make_interval(secs => $3) and a.closed_at is null`,
        [idHash, now, idleSeconds],
      );
      const row = rows[0];
      if (!row) return null;
      const { csrf_token: csrf, created_at: createdAt, last_seen_at: lastSeenAt, ...account } = row;
      return { idHash, account, csrf, createdAt, lastSeenAt };
    },

    /** False, and no session, when the password is another by now: whoever changed it ended all sessions of before. */
    async insertSession(session: {
      idHash: Buffer;
      account: Pick<PatientAccount, 'id' | 'passwordHash'>;
      csrf: string;
      now: Date;
      expiresAt: Date;
      address: string;
      userAgent: string;
    }): Promise<boolean> {
      const { idHash, account, csrf, now, expiresAt, address, userAgent } = session;
      // The account's lock puts a sign-in and a change of the password in order.
      const { rowCount } = await run(
        'insert-session',
        `insert into patient_session (id_hash, route, account_id, csrf_token, created_at, last_seen_at, expires_at,
                                      address, user_agent)
         select $1, a.route, a.id, $4, $5::timestamptz, $5, $6, $7, $8 from patient_account a
          where a.route = $2 and a.id = $3 and a.password_hash = $9 and a.closed_at is null for share`,
        [
          idHash,
          routeOf(account.id),
          account.id,
          csrf,
          now,
          expiresAt,
          address,
          userAgent,
          account.passwordHash,
        ],
      );
      return rowCount === 1;
    },

    async touch(idHash: Buffer, now: Date): Promise<void> {
      await run(
        'touch',
        'update patient_session set last_seen_at = greatest(last_seen_at, $2) where id_hash = $1',
        [idHash, now],
      );
    },

    async endSession(idHash: Buffer, now: Date): Promise<void> {
      await run(
        'end-session',
        'update patient_session set ended_at = $2 where id_hash = $1 and ended_at is null',
        [idHash, now],
      );
    },

    async endSessionsOf(accountId: string, now: Date): Promise<void> {
      await run(
        'end-sessions-of',
        'update patient_session set ended_at = $2 where account_id = $1 and ended_at is null',
        [accountId, now],
      );
    },

    /** Sessions are kept ninety days past their end, links until theirs. */
    async clean(now: Date): Promise<void> {
      await database.query({
        text: `delete from patient_session where expires_at < $1::timestamptz - interval '90 days'`,
        values: [now],
      });
      await database.query({ text: 'delete from patient_link where expires_at < $1', values: [now] });
    },
  };
}

export type PatientStore = ReturnType<typeof createPatientStore>;
