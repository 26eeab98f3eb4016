import { newResourceId } from '../ids.ts';
import { createCalendar } from './calendar.ts';
import type { DemoConnection } from './connections.ts';
import type { DemoLetter } from './patients-extra.ts';
import { createRandom } from './random.ts';
import { tellOf } from './telling.ts';
import type { World } from './world.ts';

const HOST = 'hooks.postbridge.example.org';

/** The company's server did not work on these days. */
const OUTAGE = { from: [-19, 8 * 60], to: [-15, 16 * 60 + 20] } as const;

export type DemoPush = NonNullable<ReturnType<typeof pushOf>>;

/**
 * What the hospital's connection with Postbridge Letters is told of: letters that were read. Its server once did not work
 * for longer than a notification is tried, so that some were given up. A function of the world alone.
 */
export function pushOf(world: World, letters: readonly DemoLetter[]) {
  const connection = connectionOf(world);
  if (!connection) return undefined;
  const { organisationId } = connection;
  const random = createRandom(`${world.seed}/push`);
  const calendar = createCalendar(world.today);
  const id = newResourceId(organisationId, random.bytes);
  const createdAt = new Date(Date.parse(connection.grantedAt) + 2 * 86_400_000 + 25 * 60_000);
  const time = ([day, minute]: readonly [number, number]) => Date.parse(calendar.instant(day, minute));
  const read = letters
    .filter((letter) => letter.organisationId === organisationId && letter.readAt)
    .map(({ readAt, ...letter }) => ({
      ...letter,
      at: new Date(readAt!),
      notificationId: newResourceId(id, random.bytes),
    }))
    .filter(({ at }) => at > createdAt);
  return {
    id,
    connection,
    createdAt,
    endpoint: `https://${HOST}/letters/read`,
    ...tellOf(read, { from: time(OUTAGE.from), to: time(OUTAGE.to), error: 'HTTP 503' }),
  };
}

function connectionOf({ connections, systems, organisations }: World): DemoConnection | undefined {
  const clientId = systems.find(({ name }) => name === 'Postbridge Letters')?.clientId;
  const organisationId = organisations.find(({ kind }) => kind === 'hospital')?.id;
  return connections.find(
    (one) => one.clientId === clientId && one.organisationId === organisationId && one.status === 'active',
  );
}
