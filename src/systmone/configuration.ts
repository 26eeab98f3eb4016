import { createHash } from 'node:crypto';
import type { Section } from '../record-context/index.ts';
import {
  type CipherName,
  createProfile,
  type EncodingName,
  type LinkPart,
  type Profile,
  type ProfileSettings,
} from './profiles/index.ts';
import { unseal } from './sealed.ts';

/** What an organisation chose of its launch link. */
export type LaunchChoices = {
  profile: 'fields' | 'clear' | 'sider' | 'somerset';
  cipher: CipherName | null;
  encoding: EncodingName | null;
  sendsBirthDate: boolean;
  sendsRole: boolean;
  /** ODS codes of the practices that may send it. */
  practices: string[];
  landing: Section;
  allowSwitch: boolean;
  allowBreakGlass: boolean;
};

export type LaunchConfiguration = LaunchChoices & {
  id: string;
  /** Stands in the address: 128 random bits. */
  keyId: string;
  organisationId: string;
  sealedSecret: Buffer | null;
  createdAt: Date;
  createdBy: string | null;
  withdrawnAt: Date | null;
  withdrawnBy: string | null;
  lastLaunch: Date | null;
};

/** Hexadecimal key and vector, or a passphrase: whichever the profile takes. */
export type LaunchSecret = { key: string; iv: string } | { passphrase: string };

export const isEncrypted = ({ profile }: Pick<LaunchChoices, 'profile'>): boolean =>
  profile === 'fields' || profile === 'sider';

/** What the secret is sealed for. */
export const secretOfConfiguration = (id: string): string => `launch configuration ${id}`;

/** SIDeR's key name: nothing secret, and the same for a configuration as long as it lives. */
export const keyNameOf = (keyId: string): string =>
  `k${createHash('sha256').update(keyId).digest('hex').slice(0, 8)}`;

type Written = Pick<
  LaunchConfiguration,
  'keyId' | 'profile' | 'cipher' | 'encoding' | 'sendsBirthDate' | 'sendsRole'
>;

/** What writes and reads the links of a configuration whose secret is known. */
export function profileWith(configuration: Written, secret: LaunchSecret | null): Profile {
  return createProfile(settingsOf(configuration, secret));
}

/** The same for a stored one. */
export function profileOf(configuration: LaunchConfiguration, encryptionKey: Buffer): Profile {
  const { id, sealedSecret } = configuration;
  const secret = sealedSecret && unseal<LaunchSecret>(encryptionKey, secretOfConfiguration(id), sealedSecret);
  return profileWith(configuration, secret);
}

/** The literal beginning of every link, which the clinical system is told first. */
export const urlPrefixOf = (baseUrl: string, { keyId }: Pick<Written, 'keyId'>, profile: Profile): string =>
  `${baseUrl}/systmone/launch/${keyId}?${profile.prefix}`;

/** A short name of the profile, for people who build links themselves: 'aes-256-cbc/hex'. */
export const profileName = ({ profile, cipher, encoding }: Written): string =>
  profile === 'fields' ? `${cipher}/${encoding}` : profile;

/** What follows the URL prefix, as data. */
export const fieldsOf = (parts: LinkPart[]) =>
  parts.map((part) =>
    part.kind === 'text' ? { text: part.text } : { field: part.field, encrypted: part.encrypted },
  );

function settingsOf(configuration: Written, secret: LaunchSecret | null): ProfileSettings {
  const { profile, cipher, encoding, sendsBirthDate: birthDate, sendsRole: role, keyId } = configuration;
  if (profile === 'somerset') return { profile };
  if (profile === 'clear') return { profile, birthDate, role };
  if (!secret) throw new Error('the launch configuration has no secret');
  if (profile === 'sider' && 'passphrase' in secret) {
    return { profile, keyName: keyNameOf(keyId), passphrase: secret.passphrase };
  }
  if (profile === 'fields' && 'key' in secret && cipher && encoding) {
    const { key, iv } = secret;
    return {
      profile,
      cipher,
      encoding,
      key: Buffer.from(key, 'hex'),
      iv: Buffer.from(iv, 'hex'),
      birthDate,
      role,
    };
  }
  throw new Error('the launch configuration and its secret do not belong together');
}
