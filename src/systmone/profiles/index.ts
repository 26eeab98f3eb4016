import type { CipherName } from './aes-cbc.ts';
import { contextualLaunch } from './contextual-launch.ts';
import type { EncodingName } from './encodings.ts';
import { separateFields } from './separate-fields.ts';
import { sider } from './sider.ts';
import type { Profile } from './types.ts';

export { BLOCK_BYTES, type CipherName, KEY_BYTES } from './aes-cbc.ts';
export { type EncodingName, encodingsOf } from './encodings.ts';
export { isNhsNumber, readField } from './grammar.ts';
export type { FieldName, FieldReport, LaunchFields, LinkPart, Problem, Profile } from './types.ts';

/** How a link is written, with the secret that it takes. */
export type ProfileSettings =
  | {
      profile: 'fields';
      cipher: CipherName;
      encoding: EncodingName;
      key: Buffer;
      iv: Buffer;
      birthDate: boolean;
      role: boolean;
    }
  | { profile: 'clear'; birthDate: boolean; role: boolean }
  | { profile: 'sider'; keyName: string; passphrase: string }
  | { profile: 'somerset' };

/** Makes what writes and reads the links of a configuration. */
export function createProfile(settings: ProfileSettings): Profile {
  switch (settings.profile) {
    case 'fields': {
      const { cipher, encoding, key, iv, birthDate, role } = settings;
      return separateFields({ encryption: { cipher, encoding, key, iv }, birthDate, role });
    }
    case 'clear':
      return separateFields({ encryption: null, birthDate: settings.birthDate, role: settings.role });
    case 'sider':
      return sider(settings);
    case 'somerset':
      return contextualLaunch();
  }
}
