import type { Pool, QueryResultRow } from 'pg';

export type Role = 'administrator' | 'coordinator' | 'professional';
export type StaffRole = { organisationId: string; organisationName: string; role: Role };
export type Account = {
  id: string;
  email: string;
  name: string;
  passwordHash: string;
  /** Null: they chose it. Otherwise it is one that an operator made, and good until then for choosing one. */
  passwordExpiresAt: Date | null;
  totpSecret: Buffer | null;
  /** Whether a second factor is asked of them whatever their roles. */
  secondFactorRequired: boolean;
  roles: StaffRole[];
};
/** How a session came about when nobody signed in: a paired device stood for the person. */
export type OpenedBy = 'systmone' | 'one-time';
export type StoredSession = {
  idHash: Buffer;
  account: Account;
  organisationId: string | null;
  csrf: string;
  secondFactorAt: Date | null;
  /** Null: signed in. Otherwise the session has a professional's powers at most, for its one organisation. */
  openedBy: OpenedBy | null;
  /**
   * Null: signed in with the service's password. Otherwise the organisation's provider vouched for the person, and the
   * account's roles are here those in that organisation alone.
   */
  identityId: string | null;
  createdAt: Date;
  lastSeenAt: Date;
};
export type SessionSummary = {
  idHash: Buffer;
  createdAt: Date;
  lastSeenAt: Date;
  address: string | null;
  userAgent: string | null;
};

/** An account with the roles it holds now, of those that `counts` lets count. */
const accountColumns = (counts = 'true') => `
  a.id as account_id, a.email, a.name, a.password_hash, a.password_expires_at, a.totp_secret,
  a.second_factor_required,
  coalesce((select json_agg(json_build_object('organisationId', r.organisation_id,
                                              'organisationName', o.name, 'role', r.role) order by o.name)
              from staff_role r join organisation o on o.id = r.organisation_id
             where r.account_id = a.id and r.ended_at is null and ${counts}), '[]') as roles`;

/** The SQL of sign-in. Times are the caller's, so that limits can be tested without waiting. */
export function createSignInStore(database: Pick<Pool, 'query'>) {
  const run = (name: string, text: string, values: unknown[]) =>
    database.query<QueryResultRow>({ name: `sign-in-${name}`, text, values });

  return {
    async accountByEmail(email: string): Promise<Account | null> {
      const { rows } = await run(
        'account-by-email',
        `select ${accountColumns()} from account a where a.email = $1 and a.disabled_at is null`,
        [email.trim().toLowerCase()],
      );
      return rows[0] ? account(rows[0]) : null;
    },

    async accountById(accountId: string): Promise<Account | null> {
      const { rows } = await run(
        'account-by-id',
        `select ${accountColumns()} from account a where a.id = $1 and a.disabled_at is null`,
        [accountId],
      );
      return rows[0] ? account(rows[0]) : null;
    },

    /**
     * One statement a page: session, person and the roles they hold now, so that an ended role ends at once. A provider
     * counts while it and the person's tie to it stand, and for its own organisation alone.
     */
    async liveSession(idHash: Buffer, now: Date, idleSeconds: number): Promise<StoredSession | null> {
      const { rows } = await run(
        'live-session',
        `select s.id_hash, s.organisation_id, s.csrf_token, s.second_factor_at, s.created_at, s.last_seen_at,
                s.opened_by, s.identity_id,
                ${accountColumns('(s.identity_id is null or r.organisation_id = p.organisation_id)')}
           from staff_session s join account a on a.id = s.account_id
           left join staff_identity i on i.id = s.identity_id and i.account_id = a.id and i.ended_at is null
           left join identity_provider p on p.id = i.provider_id and p.ended_at is null
          where (s.identity_id is null or p.id is not null)
            and s.id_hash = $1 and s.ended_at is null and s.expires_at > $2
            and s.last_seen_at > $2 - make_interval(secs => $3) and a.disabled_at is null`,
        [idHash, now, idleSeconds],
      );
      const row = rows[0];
      if (!row) return null;
      return {
        idHash: row.id_hash,
        account: account(row),
        organisationId: row.organisation_id,
        csrf: row.csrf_token,
        secondFactorAt: row.second_factor_at,
        openedBy: row.opened_by,
        identityId: row.identity_id,
        createdAt: row.created_at,
        lastSeenAt: row.last_seen_at,
      };
    },

    /** False, and no session, when the account is disabled or its password another by now: whoever changed it meant this one too. */
    async insertSession(session: {
      idHash: Buffer;
      accountId: string;
      organisationId: string | null;
      csrf: string;
      now: Date;
      expiresAt: Date;
      address: string;
      userAgent: string;
      openedBy: OpenedBy | null;
      identityId: string | null;
      secondFactorAt: Date | null;
      /** The hash of the password that was right; null: none was asked for. */
      passwordHash: string | null;
    }): Promise<boolean> {
      // The account's lock puts a sign-in and a change of the password in order.
      const { rowCount } = await run(
        'insert-session',
        `insert into staff_session (id_hash, account_id, organisation_id, csrf_token, created_at, last_seen_at,
                                    expires_at, address, user_agent, opened_by, identity_id, second_factor_at)
         select $1, a.id, $3, $4, $5::timestamptz, $5, $6, $7, $8, $9, $10, $11 from account a
          where a.id = $2 and a.disabled_at is null and ($12::text is null or a.password_hash = $12) for share`,
        [
          session.idHash,
          session.accountId,
          session.organisationId,
          session.csrf,
          session.now,
          session.expiresAt,
          session.address,
          session.userAgent,
          session.openedBy,
          session.identityId,
          session.secondFactorAt,
          session.passwordHash,
        ],
      );
      return rowCount === 1;
    },

    async touch(idHash: Buffer, now: Date): Promise<void> {
      await run(
        'touch',
        'update staff_session set last_seen_at = greatest(last_seen_at, $2) where id_hash = $1',
        [idHash, now],
      );
    },

    /**
     * Gives the session a new id and token, and with them what it has newly become. False when it had ended
     * meanwhile: of two that change one session at once, one wins.
     */
    async renew(
      old: Buffer,
      next: { idHash: Buffer; csrf: string; organisationId: string | null; secondFactorAt: Date | null },
    ): Promise<boolean> {
      const { rowCount } = await run(
        'renew',
        `update staff_session set id_hash = $2, csrf_token = $3, organisation_id = $4, second_factor_at = $5
          where id_hash = $1 and ended_at is null`,
        [old, next.idHash, next.csrf, next.organisationId, next.secondFactorAt],
      );
      return rowCount === 1;
    },

    async endSession(idHash: Buffer, accountId: string, now: Date): Promise<boolean> {
      const { rowCount } = await run(
        'end-session',
        'update staff_session set ended_at = $3 where id_hash = $1 and account_id = $2 and ended_at is null',
        [idHash, accountId, now],
      );
      return rowCount === 1;
    },

    async endOtherSessions(keep: Buffer, accountId: string, now: Date): Promise<number> {
      const { rowCount } = await run(
        'end-other-sessions',
        'update staff_session set ended_at = $3 where id_hash <> $1 and account_id = $2 and ended_at is null',
        [keep, accountId, now],
      );
      return rowCount ?? 0;
    },

    async sessionsOf(accountId: string, now: Date, idleSeconds: number): Promise<SessionSummary[]> {
      const { rows } = await run(
        'sessions-of',
        `select id_hash, created_at, last_seen_at, address, user_agent from staff_session
          where account_id = $1 and ended_at is null and expires_at > $2
            and last_seen_at > $2 - make_interval(secs => $3)
          order by last_seen_at desc, created_at desc limit 100`,
        [accountId, now, idleSeconds],
      );
      return rows.map((row) => ({
        idHash: row.id_hash,
        createdAt: row.created_at,
        lastSeenAt: row.last_seen_at,
        address: row.address,
        userAgent: row.user_agent,
      }));
    },

    /** True once for each step: two requests with one code race here, and one loses (RFC 6238 section 5.2). */
    async useTotpStep(accountId: string, step: number): Promise<boolean> {
      const { rowCount } = await run(
        'use-totp-step',
        `update account set totp_last_step = $2
          where id = $1 and totp_secret is not null and (totp_last_step is null or totp_last_step < $2)`,
        [accountId, step],
      );
      return rowCount === 1;
    },

    /** Sets the first second factor, for who signed in with the password there is; never replaces one. */
    async enrolTotp(
      { id, passwordHash }: Pick<Account, 'id' | 'passwordHash'>,
      sealedSecret: Buffer,
      step: number,
    ): Promise<boolean> {
      const { rowCount } = await run(
        'enrol-totp',
        `update account set totp_secret = $2, totp_last_step = $3
          where id = $1 and totp_secret is null and password_hash = $4`,
        [id, sealedSecret, step, passwordHash],
      );
      return rowCount === 1;
    },

    /** Puts a password that the person chose in the place of `old`, if that is the account's and good still. */
    async setPassword(accountId: string, old: string, next: string, now: Date): Promise<boolean> {
      const { rowCount } = await run(
        'set-password',
        `update account set password_hash = $3, password_expires_at = null
          where id = $1 and password_hash = $2 and (password_expires_at is null or password_expires_at > $4)`,
        [accountId, old, next, now],
      );
      return rowCount === 1;
    },

    /** Sessions tell who was signed in from where: kept ninety days past their end, then gone. */
    async clean(now: Date): Promise<void> {
      await database.query({
        text: `delete from staff_session where expires_at < $1::timestamptz - interval '90 days'`,
        values: [now],
      });
    },
  };
}

export type SignInStore = ReturnType<typeof createSignInStore>;

const account = (row: QueryResultRow): Account => ({
  id: row.account_id,
  email: row.email,
  name: row.name,
  passwordHash: row.password_hash,
  passwordExpiresAt: row.password_expires_at,
  totpSecret: row.totp_secret,
  secondFactorRequired: row.second_factor_required,
  roles: row.roles,
});
