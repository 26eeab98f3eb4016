import { createHash } from 'node:crypto';
import type { Context } from '../context.ts';
import { newRootId } from '../ids.ts';
import {
  fieldsOf,
  keyNameOf,
  type LaunchConfiguration,
  type LaunchSecret,
  profileName,
  profileWith,
  secretOfConfiguration,
  urlPrefixOf,
} from '../systmone/configuration.ts';
import { insertConfiguration } from '../systmone/configuration-store.ts';
import { userKeyOf } from '../systmone/incoming.ts';
import { keyOfPassphrase } from '../systmone/profiles/passphrase-key.ts';
import { seal } from '../systmone/sealed.ts';
import { createRandom } from './random.ts';
import { type DemoPerson, professionalsOf } from './staff.ts';
import type { World } from './world.ts';

type DemoUser = { userName: string; person: DemoPerson };
type DemoLaunch = {
  configuration: LaunchConfiguration;
  secret: LaunchSecret;
  /** A professional whose browser is connected already: whoever has the cookie is that browser. */
  paired: DemoUser & { pairingId: string; deviceId: string; deviceToken: string };
  /** One who has yet to show who they are. */
  unpaired: DemoUser;
  practice: string;
};

const PROFILES = {
  practice: { profile: 'fields', cipher: 'aes-256-cbc', encoding: 'hex' },
  community: { profile: 'fields', cipher: 'aes-128-cbc', encoding: 'base64' },
  hospital: { profile: 'sider', cipher: null, encoding: null },
} as const;

/** A launch link for each organisation, each written in another way. One of its two places stays free. */
function demoLaunches({ seed, organisations, staff, today }: World): DemoLaunch[] {
  return organisations.map(({ id: organisationId, odsCode, kind }) => {
    const random = createRandom(`${seed}/launches/${odsCode}`);
    const professionals = professionalsOf(staff, organisationId);
    const userOf = (index: number): DemoUser => {
      const person = professionals[index]!;
      const [given = '', family = ''] = person.email.split('@')[0]!.split('.');
      return { person, userName: `${given.charAt(0)}${family}010${index + 1}` };
    };
    const id = newRootId(random.bytes);
    const configuration: LaunchConfiguration = {
      ...PROFILES[kind],
      id,
      keyId: random.bytes(16).toString('base64url'),
      organisationId,
      sendsBirthDate: true,
      sendsRole: false,
      practices: [odsCode],
      landing: 'summary',
      allowSwitch: false,
      allowBreakGlass: true,
      sealedSecret: null,
      createdAt: new Date(`${today}T08:00:00Z`),
      createdBy: null,
      withdrawnAt: null,
      withdrawnBy: null,
      lastLaunch: null,
    };
    const secret =
      PROFILES[kind].profile === 'sider'
        ? { passphrase: random.bytes(24).toString('base64url') }
        : {
            key: random.bytes(PROFILES[kind].cipher === 'aes-128-cbc' ? 16 : 32).toString('hex'),
            iv: random.bytes(16).toString('hex'),
          };
    return {
      configuration,
      secret,
      practice: odsCode,
      paired: {
        ...userOf(0),
        pairingId: newRootId(random.bytes),
        deviceId: newRootId(random.bytes),
        deviceToken: random.bytes(32).toString('base64url'),
      },
      unpaired: userOf(1),
    };
  });
}

type Needs = Pick<Context, 'database' | 'secrets' | 'now'>;

/**
 * Puts the demo world's launch links and connected browsers where they are not yet. At every start the connected
 * browsers are as the demo file says, whatever became of their cookies since.
 */
export async function setUpDemoLaunches({ database, secrets, now }: Needs, world: World): Promise<void> {
  const client = await database.owner.connect();
  try {
    await client.query('begin');
    for (const { configuration, secret, paired } of demoLaunches(world)) {
      const { id, organisationId } = configuration;
      await insertConfiguration(client, {
        ...configuration,
        formId: id,
        sealedSecret: seal(secrets.encryptionKey, secretOfConfiguration(id), secret),
      });
      const userKey = userKeyOf(secrets.pepper, {
        organisationId,
        source: 'systmone',
        userName: paired.userName,
      });
      const hash = createHash('sha256').update(paired.deviceToken).digest();
      await client.query(
        `insert into launch_device (id, current_hash, moved_at, created_at, last_seen_at, user_agent)
         values ($1, $2, $3, $3, $3, 'The demo browser')
         on conflict (id) do update set current_hash = $2, previous_hash = null, last_seen_at = $3, ended_at = null,
                                        end_reason = null`,
        [paired.deviceId, hash, now()],
      );
      await client.query('delete from launch_device_token where device_id = $1', [paired.deviceId]);
      await client.query(
        'insert into launch_device_token (token_hash, device_id, issued_at) values ($1, $2, $3)',
        [hash, paired.deviceId, now()],
      );
      await client.query(
        `insert into launch_pairing (id, organisation_id, source, user_key, user_name, account_id, created_at)
         values ($1, $2, 'systmone', $3, $4, $5, $6) on conflict do nothing`,
        [paired.pairingId, organisationId, userKey, paired.userName, paired.person.id, now()],
      );
      await client.query(
        `insert into launch_pairing_device (pairing_id, device_id, confirmed_at, method)
         select id, $2, $3, 'sign-in' from launch_pairing where id = $1 on conflict do nothing`,
        [paired.pairingId, paired.deviceId, now()],
      );
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}

/** What scripts need to build links, and whose browser is connected. Holds every secret of them. */
export function describeLaunches(world: World, baseUrl: string) {
  const cookieName = baseUrl.startsWith('https:') ? '__Host-device' : 'device';
  return demoLaunches(world).map(({ configuration, secret, paired, unpaired, practice }) => {
    const profile = profileWith(configuration, secret);
    const patient = patientOf(world, configuration.organisationId);
    const linkFor = (userName: string) =>
      baseLinkOf(urlPrefixOf(baseUrl, configuration, profile), profile.prefix) +
      profile.encode({
        organisation: practice,
        userName,
        nhsNumber: patient.nhsNumber,
        birthDate: patient.birthDate,
        role: null,
        notBefore: null,
        expires: null,
        serviceId: null,
      });
    const bytes = 'passphrase' in secret ? keyOfPassphrase(secret.passphrase) : null;
    return {
      organisation: configuration.organisationId,
      urlPrefix: urlPrefixOf(baseUrl, configuration, profile),
      key: 'key' in secret ? secret.key : bytes!.key.toString('hex'),
      iv: 'key' in secret ? secret.iv : bytes!.iv.toString('hex'),
      ...('passphrase' in secret && {
        passphrase: secret.passphrase,
        keyName: keyNameOf(configuration.keyId),
      }),
      profile: profileName(configuration),
      fields: fieldsOf(profile.parts),
      practices: configuration.practices,
      patient: { id: patient.id, nhsNumber: patient.nhsNumber, birthDate: patient.birthDate },
      paired: {
        userName: paired.userName,
        email: paired.person.email,
        totpSecret: paired.person.totpSecret,
        cookie: { name: cookieName, value: paired.deviceToken },
      },
      unpaired: {
        userName: unpaired.userName,
        email: unpaired.person.email,
        totpSecret: unpaired.person.totpSecret,
      },
      exampleUrl: linkFor(paired.userName),
      unpairedUrl: linkFor(unpaired.userName),
    };
  });
}

const baseLinkOf = (urlPrefix: string, prefix: string) =>
  urlPrefix.slice(0, urlPrefix.length - prefix.length);

function patientOf(world: World, organisationId: string) {
  for (const patient of world.patients()) {
    const registered = patient.registrations.some((held) => held.organisationId === organisationId);
    if (registered && !patient.deceased) return patient;
  }
  throw new Error('the demo world has no patient for a launch');
}
