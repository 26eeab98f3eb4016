import type { Section } from '../record-context/index.ts';
import { keyed, seal, unseal } from './sealed.ts';

/** What a launch asks for, whichever system it came from and however it was written. */
export type Asked = {
  userName: string;
  patient: { system: string; value: string };
  /** YYYY-MM-DD; null: not sent. */
  birthDate: string | null;
  landing: Section;
  locked: boolean;
  breakGlass: boolean;
  openedBy: 'systmone' | 'one-time';
  /** ISO 8601: so long the link is remembered, and is a copy when it comes from another browser. */
  window: string;
};

export type Incoming = {
  organisationId: string;
  /** 'systmone', or the System Client ID of the connected system that asks. */
  source: string;
  configurationId: string | null;
  connectionId: string | null;
  asked: Asked;
  /** Names the link by what it says; null where a link works once anyhow. */
  digest: Buffer | null;
};

/** Who is asking, as the network and the browser show it. */
export type Visitor = {
  address: string;
  requestId: string;
  userAgent: string;
  deviceCookie: string | undefined;
};

export const NHS_NUMBER_SYSTEM = 'https://fhir.nhs.uk/Id/nhs-number';

/** By this a pairing is found. Clinical systems do not mind capitals in user names. */
export const userKeyOf = (
  pepper: Buffer,
  { organisationId, source, userName }: Pick<Incoming, 'organisationId' | 'source'> & Pick<Asked, 'userName'>,
): Buffer => keyed(pepper, 'user', organisationId, source, userName.toLowerCase());

const boundTo = (idHash: Buffer) => `launch request ${idHash.toString('hex')}`;

export const sealAsked = (key: Buffer, idHash: Buffer, asked: Asked): Buffer =>
  seal(key, boundTo(idHash), asked);

export const unsealAsked = (key: Buffer, { idHash, sealed }: { idHash: Buffer; sealed: Buffer }): Asked =>
  unseal<Asked>(key, boundTo(idHash), sealed);
