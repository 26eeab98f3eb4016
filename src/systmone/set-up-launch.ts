import { randomBytes } from 'node:crypto';
import type { Context } from '../context.ts';
import { newRootId } from '../ids.ts';
import { type Acting, whileInRole } from './acting.ts';
import {
  type LaunchChoices,
  type LaunchConfiguration,
  type LaunchSecret,
  secretOfConfiguration,
} from './configuration.ts';
import { insertConfiguration } from './configuration-store.ts';
import { BLOCK_BYTES, KEY_BYTES } from './profiles/index.ts';
import { seal } from './sealed.ts';

export type SetUp =
  | { outcome: 'made'; configuration: LaunchConfiguration; secret: LaunchSecret | null }
  /** The form was sent before: its secrets were shown then, and are not shown again. */
  | { outcome: 'repeated' }
  | { outcome: 'full' }
  | { outcome: 'role-needed' };

/**
 * Makes a launch configuration with a secret of its own. The secret leaves this function once, for the page, and is
 * kept sealed: the server must decipher with it. Answered only when its audit record is durable.
 */
export function createSetUpLaunch({
  database,
  secrets,
  audit,
  now,
}: Pick<Context, 'database' | 'secrets' | 'audit' | 'now'>) {
  return async function setUpLaunch(acting: Acting, choices: LaunchChoices, formId: string): Promise<SetUp> {
    const id = newRootId();
    const secret = newSecret(choices);
    const sealedSecret = secret && seal(secrets.encryptionKey, secretOfConfiguration(id), secret);
    const configuration: LaunchConfiguration = {
      ...choices,
      id,
      keyId: randomBytes(16).toString('base64url'),
      organisationId: acting.organisationId,
      sealedSecret,
      createdAt: now(),
      createdBy: null,
      withdrawnAt: null,
      withdrawnBy: null,
      lastLaunch: null,
    };
    const stored = await whileInRole(database.service, acting, ['administrator', 'coordinator'], (client) =>
      insertConfiguration(client, { ...configuration, formId, createdBy: acting.accountId }),
    );
    const outcome = stored ?? 'role-needed';
    await audit.record({
      kind: 'page',
      interaction: 'launch-set-up',
      outcome: outcome === 'made' ? 'allowed' : outcome,
      status: STATUS[outcome],
      ...acting,
      detail: JSON.stringify({
        configuration: outcome === 'made' ? id : undefined,
        profile: choices.profile,
      }),
    });
    return outcome === 'made' ? { outcome, configuration, secret } : { outcome };
  };
}

const STATUS = { made: 200, repeated: 409, full: 409, 'role-needed': 403 };

/** Random in every bit; what people type over is hexadecimal, and a passphrase letters and digits. */
export function newSecret({
  profile,
  cipher,
}: Pick<LaunchChoices, 'profile' | 'cipher'>): LaunchSecret | null {
  if (profile === 'sider') return { passphrase: randomBytes(24).toString('base64url') };
  if (profile !== 'fields' || !cipher) return null;
  return {
    key: randomBytes(KEY_BYTES[cipher]).toString('hex'),
    iv: randomBytes(BLOCK_BYTES).toString('hex'),
  };
}
