import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { QueryConfig } from 'pg';
import { connectedWorld } from '../../test/support/connected-world.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import type { AuditEntry } from '../audit/audit.ts';
import type { Context } from '../context.ts';
import { createFindSystem, PER_ORGANISATION, PER_PERSON } from './find-system.ts';

describe('looking for a third-party system', () => {
  let db: TestDatabase;
  let world: ReturnType<typeof connectedWorld>;
  const audited: AuditEntry[] = [];
  const clock = { now: new Date('2026-11-22T09:00:00Z') };
  let find: ReturnType<typeof createFindSystem>;

  before(async () => {
    db = await testDatabase({ poolSize: 10 });
    world = connectedWorld(db.database.owner);
    find = createFindSystem({
      database: db.database,
      audit: { record: async (entry: AuditEntry) => void audited.push(entry) },
      secrets: { pepper: Buffer.alloc(32, 1) },
      now: () => clock.now,
    } as unknown as Context);
  });
  after(() => db.stop());

  it('lets a burst through no further than the limit, however many come at once', async () => {
    const person = await world.staff((await world.organisation()).id);
    const found = await Promise.all(
      Array.from({ length: 60 }, (_, n) => find.findSystems(person, `guess ${n}`)),
    );
    const searched = found.filter(({ outcome }) => outcome === 'found').length;
    assert.ok(searched > 0 && searched <= PER_PERSON.free, `${searched} searches`);
  });

  it('limits an organisation whose people take turns', async () => {
    const organisation = await world.organisation();
    let searched = 0;
    for (let person = 0; person < 12; person++) {
      const acting = await world.staff(organisation.id);
      for (let n = 0; n < PER_PERSON.free - 5; n++) {
        if ((await find.findSystems(acting, 'guess')).outcome === 'found') searched++;
      }
    }
    assert.ok(searched <= PER_ORGANISATION.free, `${searched} searches`);
    const elsewhere = await world.staff((await world.organisation()).id);
    assert.equal((await find.findSystems(elsewhere, 'guess')).outcome, 'found');
  });

  it('lets the person search again after the time it says', async () => {
    const person = await world.staff((await world.organisation()).id);
    let seconds = 0;
    for (let n = 0; n < 40 && !seconds; n++) {
      const found = await find.findSystems(person, 'guess');
      if (found.outcome === 'wait') seconds = found.seconds;
    }
    assert.ok(seconds > 0);
    clock.now = new Date(clock.now.getTime() + seconds * 1000);
    assert.equal((await find.findSystems(person, 'guess')).outcome, 'found');
  });

  it('records each search with how many it found, and never what was typed', async () => {
    const person = await world.staff((await world.organisation()).id);
    await world.system({ name: 'Recorded' });
    await find.findSystems(person, 'recorded');
    await find.findSystems(person, 'typed by mistake: a password');
    const [hit, miss] = audited.slice(-2);
    assert.deepEqual([hit?.interaction, hit?.outcome, hit?.count], ['find-system', 'allowed', 1]);
    assert.deepEqual([miss?.interaction, miss?.outcome, miss?.count], ['find-system', 'allowed', 0]);
    assert.doesNotMatch(JSON.stringify(miss), /password/);
  });

  it('runs one and the same statement for a system that is not live and for none', async () => {
    await world.system({ name: 'Hidden', standing: 'draft' });
    const person = await world.staff((await world.organisation()).id);
    const statements: string[][] = [];
    const { service } = db.database;
    const spied = createFindSystem({
      database: {
        service: {
          query: (statement: QueryConfig) => {
            statements.at(-1)!.push(String(statement.name));
            return service.query(statement);
          },
        },
      },
      audit: { record: async () => {} },
      secrets: { pepper: Buffer.alloc(32, 1) },
      now: () => clock.now,
    } as unknown as Context);
    for (const text of ['hidden', 'nothing']) {
      statements.push([]);
      await spied.findSystems(person, text);
    }
    assert.deepEqual(statements[0], statements[1]);
  });
});
