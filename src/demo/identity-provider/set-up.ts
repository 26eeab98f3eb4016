import type { Context } from '../../context.ts';
import { newRootId } from '../../ids.ts';
import { setProvider } from '../../sign-in/provider/set-provider.ts';
import { connectIdentity } from '../../sign-in/provider/store.ts';
import type { World } from '../world.ts';
import { demoSignIn, issuerAt, SECOND_FACTOR } from './people.ts';

type Needs = Pick<Context, 'database' | 'secrets' | 'now'>;

/** Registers the demo's provider under the address that this start has, and who is connected with it. */
export async function setUpDemoSignIn(
  { database, secrets, now }: Needs,
  world: World,
  baseUrl: string,
): Promise<void> {
  const { organisation, client: registered, people } = demoSignIn(world);
  const client = await database.owner.connect();
  try {
    await client.query('begin');
    const { provider } = await setProvider(
      client,
      secrets.encryptionKey,
      {
        odsCode: organisation.odsCode,
        issuer: issuerAt(baseUrl),
        clientId: registered.id,
        clientSecret: registered.secret,
        secondFactor: { claim: SECOND_FACTOR.claim, values: [...SECOND_FACTOR.values] },
      },
      now(),
    );
    for (const { subject, login, accountId, connected } of people) {
      if (!connected) continue;
      const who = { providerId: provider.id, subject, label: login, accountId, sessionHash: null };
      const tie = { id: newRootId(), now: now(), ...who };
      await connectIdentity(client, tie);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}

/** The demo organisation's own sign-in, for scripts and tests. */
export function describeSignIn(world: World, baseUrl: string) {
  const { organisation, client, people } = demoSignIn(world);
  return [
    {
      organisation: organisation.id,
      issuer: issuerAt(baseUrl),
      clientId: client.id,
      signInUrl: `${baseUrl}/sign-in/with/${organisation.odsCode}`,
      people: people.map(({ subject, name, login, email, connected }) => ({
        subject,
        name,
        login,
        email,
        connected,
      })),
    },
  ];
}
