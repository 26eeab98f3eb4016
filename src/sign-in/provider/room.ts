import type { Pool } from 'pg';
import type { Room } from '../room.ts';
import { createAskProvider, type ProviderAccess } from './ask-provider.ts';
import { createCookies } from './cookies.ts';
import { createWaysIn } from './ways-in.ts';

type Options = { database: Pick<Pool, 'query'>; access: ProviderAccess; secure: boolean };

/** What the routes of signing in with one's organisation work with. */
export function createProviderRoom(room: Room, { database, access, secure }: Options) {
  const { encryptionKey, now } = room;
  const cookies = createCookies({ encryptionKey, secure, now });
  return {
    ...room,
    database,
    cookies,
    ask: createAskProvider(access, encryptionKey, now),
    waysIn: createWaysIn(database, cookies),
  };
}

export type ProviderRoom = ReturnType<typeof createProviderRoom>;
