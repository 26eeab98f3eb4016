import type { Pool, PoolClient } from 'pg';
import type { Invitation } from './standing.ts';

export type FoundInvitation = Invitation & {
  route: number;
  id: string;
  patientId: string;
  organisationId: string;
  tokenHash: Buffer;
  birthDateFailures: number;
  birthDate: string | null;
  deceased: boolean;
};

/** The SQL of joining. Invitations are behind the second lock: they are found by the hash of their code, or not. */
export function createJoinStore(database: Pick<Pool, 'query'>) {
  return {
    async invitation(codeHash: Buffer): Promise<FoundInvitation | null> {
      const { rows } = await database.query({
        name: 'join-invitation',
        text: `select route, id, patient_id as "patientId", organisation_id as "organisationId",
                      token_hash as "tokenHash", expires_at as "expiresAt", used_at as "usedAt",
                      revoked_at as "revokedAt", revoke_reason as "revokeReason",
                      birth_date_failures as "birthDateFailures", birth_date::text as "birthDate", deceased
                 from invitation_by_code($1)`,
        values: [codeHash],
      });
      return rows[0] ?? null;
    },

    async tryBirthDate(codeHash: Buffer, birthDate: string, tries: number): Promise<boolean> {
      const { rows } = await database.query({
        name: 'join-try-birth-date',
        text: 'select try_birth_date($1, $2, $3) as agreed',
        values: [codeHash, birthDate, tries],
      });
      return rows[0]!.agreed;
    },

    async insertLink(
      client: Pick<PoolClient, 'query'>,
      link: {
        tokenHash: Buffer;
        invitation: FoundInvitation;
        email: string;
        passwordHash: string;
        now: Date;
        expiresAt: Date;
      },
    ): Promise<void> {
      await client.query({
        name: 'join-insert-link',
        text: `insert into patient_link (token_hash, purpose, route, invitation_id, email, password_hash, created_at,
                                         expires_at)
               values ($1, 'join', $2, $3, $4, $5, $6, $7)`,
        values: [
          link.tokenHash,
          link.invitation.route,
          link.invitation.id,
          link.email,
          link.passwordHash,
          link.now,
          link.expiresAt,
        ],
      });
    },

    /** What is known of a link that can still be followed; `owner` begins with the patient's routing key. */
    async link(tokenHash: Buffer, now: Date): Promise<{ owner: string } | null> {
      const { rows } = await database.query<{ owner: string }>({
        name: 'join-link',
        text: `select invitation_id as owner from patient_link
                where token_hash = $1 and purpose = 'join' and expires_at > $2`,
        values: [tokenHash, now],
      });
      return rows[0] ?? null;
    },

    async join(
      client: Pick<PoolClient, 'query'>,
      tokenHash: Buffer,
      accountId: string,
      now: Date,
    ): Promise<Joined> {
      const { rows } = await client.query({
        name: 'join-patient',
        text: `select outcome, patient as "patientId", organisation as "organisationId", email from join_patient($1, $2, $3)`,
        values: [tokenHash, accountId, now],
      });
      return rows[0];
    },
  };
}

export type JoinStore = ReturnType<typeof createJoinStore>;

export type Joined = {
  outcome:
    | 'joined'
    | 'link-unusable'
    | 'may-not-join'
    | 'invitation-used'
    | 'invitation-ended'
    | 'email-taken';
  patientId: string | null;
  organisationId: string | null;
  /** The address that is now confirmed; null unless joined. */
  email: string | null;
};
