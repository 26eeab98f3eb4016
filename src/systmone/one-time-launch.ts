import type { Context } from '../context.ts';
import { isUuid } from '../ids.ts';
import type { Section } from '../record-context/index.ts';
import { type Asked, type Incoming, sealAsked, unsealAsked, userKeyOf } from './incoming.ts';
import { insertRequest, useRequest } from './launch-store.ts';
import { hashOfToken, newToken } from './sealed.ts';

/** What a connected system's permission for this is called: `system/Patient.$launch`. */
export const LAUNCH_PERMISSION = 'Patient.$launch';

export type OneTime = {
  userName: string;
  patient: { system: string; value: string };
  birthDate: string | null;
  landing: Section;
};

export type Decision = {
  outcome: string;
  clientId: string | null;
  connectionId: string | null;
  organisationId: string | null;
};

/** Long enough to open a browser, too short to be passed on. */
export const LINK_SECONDS = 60;

type Needs = Pick<Context, 'database' | 'secrets' | 'now' | 'baseUrl'>;

/**
 * Launches by any connected system: it asks for a link for one of its users and a patient, and opens it in that user's
 * browser. The link works once, for a minute, while the connection stands; the same pairing and device as from SystmOne
 * are what opens the record.
 */
export function createOneTimeLaunch({ database, secrets, now, baseUrl }: Needs) {
  /** THE DECISION, for the organisation that is named (public id or ODS code). */
  async function decide(tokenHash: Buffer, organisation: string): Promise<Decision> {
    const { rows } = await database.service.query({
      name: 'one-time-launch-decide',
      text: `select outcome, client_id as "clientId", connection_id as "connectionId",
                    organisation_id as "organisationId" from decide($1, $2, $3)`,
      values: [tokenHash, organisation, [LAUNCH_PERMISSION]],
    });
    return rows[0];
  }

  /** Whether the patient or the user is known is not said: the link says it to the person who opens it. */
  async function makeLink(decision: Decision, wanted: OneTime): Promise<{ url: string; expires: Date }> {
    const { token, hash: idHash } = newToken();
    const at = now();
    const expires = new Date(at.getTime() + LINK_SECONDS * 1000);
    const organisationId = decision.organisationId!;
    const source = decision.clientId!;
    const { userName } = wanted;
    const asked: Asked = {
      ...wanted,
      locked: true,
      breakGlass: false,
      openedBy: 'one-time',
      window: expires.toISOString(),
    };
    await insertRequest(database.service, {
      idHash,
      organisationId,
      source,
      configurationId: null,
      connectionId: decision.connectionId,
      userKey: userKeyOf(secrets.pepper, { organisationId, source, userName }),
      sealed: sealAsked(secrets.encryptionKey, idHash, asked),
      digest: null,
      replayed: false,
      createdAt: at,
      expiresAt: expires,
    });
    return { url: `${baseUrl()}/launch/one-time/${token}`, expires };
  }

  /** What a link asks for, once; null when it was used, is too old, or its connection no longer stands. */
  async function openLink(token: string): Promise<Incoming | null> {
    const idHash = hashOfToken(token);
    const request = idHash && (await useRequest(database.service, idHash, now()));
    if (!request?.connectionId) return null;
    return { ...request, asked: unsealAsked(secrets.encryptionKey, request) };
  }

  return { decide, makeLink, openLink };
}

/** The organisation as callers name it, in the form that the decision takes; null when it can be none. */
export function organisationNamed(name: unknown): string | null {
  if (typeof name !== 'string') return null;
  if (isUuid(name.toLowerCase())) return name.toLowerCase();
  return /^[A-Za-z0-9]{3,10}$/.test(name) ? name.toUpperCase() : null;
}
