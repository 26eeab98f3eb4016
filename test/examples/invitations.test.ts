import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { invitePatients } from '../../examples/hybrid-mail/invite-patients.ts';
import { checkIn } from '../../examples/kiosk/check-in.ts';
import { messagesFor, writeMessages } from '../../examples/kiosk/messages.ts';
import type { FhirClient } from '../../examples/shared/fhir-client.ts';
import { mobileNumber } from '../../examples/shared/invitation-words.ts';
import { openFolder } from '../../examples/shared/ledger.ts';
import { invite, statusOf } from '../../examples/shared/operations.ts';
import { Refused } from '../../examples/shared/refused.ts';
import { messagesFor as textsFor } from '../../examples/sms-campaign/messages.ts';
import { type Recipient, readRecipients } from '../../examples/sms-campaign/read-recipients.ts';
import { runCampaign } from '../../examples/sms-campaign/run-campaign.ts';

const root = mkdtempSync(join(tmpdir(), 'invitations-'));
after(() => rmSync(root, { recursive: true }));
let numbered = 0;
const newFolder = () => openFolder(join(root, `folder-${++numbered}`));

const EXPIRY = '2027-01-31T12:00:00.000Z';
const FHIR_BASE = 'https://records.example.org/organisations/ZX1/fhir/R4';

type Person = { registered?: boolean; deceased?: boolean; birthDate?: string };
type Sent = { valueIdentifier: { value: string } }[];

/** A service with these patients: the same request under the same key has the same answer. */
function serviceWith(people: Record<string, Person>, fail: (call: number) => 'before' | 'after' | undefined) {
  const answers = new Map<string, object>();
  const pairs = new Map<string, number>();
  const batches: number[] = [];
  let calls = 0;
  const part = (name: string, value: object) => ({ name, ...value });
  const named = (value: string) => part('patientIdentifier', { valueIdentifier: { value } });
  const inviteOne = (value: string) => {
    const person = people[value];
    const why = !person ? 'not-found' : person.registered ? 'already-registered' : undefined;
    if (why) return [named(value), part('outcome', { valueCode: why })];
    const count = (pairs.get(value) ?? 0) + 1;
    pairs.set(value, count);
    return [
      named(value),
      part('code', { valueString: `C${value}/${count}` }),
      part('token', { valueString: `T${value}/${count}` }),
      part('expiry', { valueDateTime: EXPIRY }),
      part('outcome', { valueCode: 'invited' }),
    ];
  };
  const statusOne = (value: string) => {
    const person = people[value];
    if (!person) return [named(value), part('outcome', { valueCode: 'not-found' })];
    return [
      named(value),
      part('registered', { valueBoolean: person.registered ?? false }),
      part('deceased', { valueBoolean: person.deceased ?? false }),
      part('dateOfBirth', { valueDate: person.birthDate ?? '1980-03-31' }),
      part('outcome', { valueCode: 'found' }),
    ];
  };
  const client = {
    async operation(path: string, sent: Sent, key?: string) {
      const values = sent.map(({ valueIdentifier }) => valueIdentifier.value);
      if (path === 'Patient/$status-query')
        return { parameter: values.map((one) => ({ name: 'patientStatus', part: statusOne(one) })) };
      assert.ok(key, 'what makes something has an idempotency key');
      const failed = fail(calls++);
      if (failed === 'before') throw gone;
      batches.push(values.length);
      const answer = answers.get(key) ?? {
        parameter: values.map((one) => ({ name: 'patientTokens', part: inviteOne(one) })),
      };
      answers.set(key, answer);
      if (failed === 'after') throw gone;
      return answer;
    },
  } as unknown as FhirClient;
  return { client, pairs, batches };
}

const gone = new Error('the connection broke');
const never = () => undefined;

describe('the operations, as the examples ask for them', () => {
  it('ask 5,000 at a time, each number once, and find each answer by its number', async () => {
    const sizes: number[] = [];
    const { client } = serviceWith({ '1': {} }, never);
    const counted = {
      operation: (path: string, sent: Sent) => {
        sizes.push(sent.length);
        return (client as unknown as { operation: (path: string, sent: Sent) => unknown }).operation(
          path,
          sent,
        );
      },
    } as unknown as FhirClient;
    const numbers = Array.from({ length: 5001 }, (_, n) => String(n));
    const found = await statusOf(counted, [...numbers, '1']);
    assert.deepEqual(sizes, [5000, 1]);
    assert.deepEqual(found.get('1')?.birthDate, '1980-03-31');
    assert.equal(found.get('2')?.outcome, 'not-found');
  });

  it('name a request by who is in it, under a secret of the caller’s', async () => {
    const { client } = serviceWith({ '1': {}, '2': {} }, never);
    const [first, again] = [await invite(client, ['1'], 'secret'), await invite(client, ['1'], 'secret')];
    assert.deepEqual(first, again);
    const other = await invite(client, ['1'], 'another');
    assert.notEqual(other.get('1')?.code, first.get('1')?.code);
    assert.equal((await invite(client, ['2', '1'], 'secret')).size, 2);
  });
});

describe('a mobile number', () => {
  it('is one of the United Kingdom, written in any usual way', () => {
    for (const text of ['07700900123', '07700 900 123', '+44 7700 900123', '447700900123', '(07700) 900-123'])
      assert.equal(mobileNumber(text), '+447700900123', text);
    for (const text of ['', '02079460000', '0770090012', '077009001234', '+33612345678', '07700900abc'])
      assert.equal(mobileNumber(text), undefined, text);
  });
});

describe('at the kiosk', () => {
  const visitor = {
    nhsNumber: '9993751154',
    birthDate: '1980-03-31',
    email: 'p@example.org',
    mobile: '+447700900123',
  };
  const checkedIn = (person: Person | undefined, parts = {}) =>
    checkIn(
      serviceWith(person ? { [visitor.nhsNumber]: person } : {}, never).client,
      { ...visitor, ...parts },
      'k',
    );

  it('somebody who does not use their record is invited', async () => {
    const { came } = await checkedIn({});
    assert.equal(came, 'invited');
  });

  it('somebody who does is not', async () => {
    assert.deepEqual(await checkedIn({ registered: true }), {
      came: 'not-invited',
      outcome: 'already-registered',
    });
  });

  it('nobody learns whose number it is: a wrong date of birth is answered like a number that nobody has', async () => {
    const stranger = await checkedIn(undefined);
    for (const person of [{}, { registered: true }, { deceased: true }])
      assert.deepEqual(await checkedIn(person, { birthDate: '1980-04-01' }), stranger);
  });

  it('no message has both codes, and the codes of a link are in its fragment', () => {
    const pair = { code: 'ABCDEFGHJK', token: 'MNPQRSTVWX', expiry: EXPIRY };
    const { email, sms } = messagesFor(visitor, pair, FHIR_BASE);
    assert.ok(email.text.includes(pair.code) && !email.text.includes(pair.token));
    assert.ok(sms.text.includes(pair.token) && !sms.text.includes(pair.code));
    assert.match(email.text, /https:\/\/records\.example\.org\/join#code=ABCDEFGHJK\n/);
    assert.match(email.text, /31 January 2027/);
    assert.ok(sms.text.length <= 160, 'one text message');
    const files = writeMessages(newFolder(), visitor, pair, FHIR_BASE);
    assert.deepEqual(
      files.map((file) => readFileSync(file, 'utf8').split('\n')[0]),
      ['To: p@example.org', 'To: +447700900123'],
    );
  });
});

describe('the letters’ patients', () => {
  it('are invited once while an invitation works, and never when they have joined or died', async () => {
    const { client, pairs } = serviceWith({ a: {}, b: { registered: true }, c: { deceased: true } }, never);
    const statuses = await statusOf(client, ['a', 'b', 'c', 'd']);
    const folder = newFolder();
    const run = (now: string) => invitePatients(client, statuses, { folder, now: () => new Date(now) });
    assert.deepEqual(await run('2026-11-22'), { invited: 1, earlier: 0, cannot: new Map() });
    assert.deepEqual(await run('2026-11-23'), { invited: 0, earlier: 1, cannot: new Map() });
    assert.deepEqual([...pairs], [['a', 1]]);
    assert.equal((await run('2027-02-01')).invited, 1, 'the first has ended');
  });
});

describe('the campaign’s file', () => {
  const read = (text: string) => {
    const file = join(root, `list-${++numbered}.csv`);
    writeFileSync(file, text);
    return readRecipients(file).map(({ line, fault }) => [line, fault]);
  };

  it('says of each row what is wrong with it, and lets the others be', () => {
    const rows = [
      '999 611 1814,07700900101',
      '9996111815,07700900101',
      '9997013468,',
      '9996111814,07700900102',
    ];
    assert.deepEqual(read(`nhs_number,mobile\n${rows.join('\n')}\n`), [
      [2, undefined],
      [3, 'nhs-number-invalid'],
      [4, 'mobile-invalid'],
      [5, 'repeated'],
    ]);
  });

  it('is refused without its columns or without a row', () => {
    assert.throws(() => read('nhs_number\n9996111814\n'), /no column mobile/);
    assert.throws(() => read('nhs_number,mobile\n'), /names nobody/);
  });
});

describe('the campaign', () => {
  const PEOPLE = 1200;
  const recipients = Array.from(
    { length: PEOPLE },
    (_, n): Recipient => ({ line: n + 2, nhsNumber: String(n), mobile: '+447700900123' }),
  );
  // Every seventh has joined, every eleventh is not a patient there.
  const people = Object.fromEntries(
    recipients
      .filter((_, n) => n % 11 !== 0)
      .map(({ nhsNumber }) => [nhsNumber, { registered: Number(nhsNumber) % 7 === 0 }]),
  );
  const invited = Object.values(people).filter(({ registered }) => !registered).length;
  const run = (client: FhirClient, folder: ReturnType<typeof openFolder>, stop?: AbortSignal) =>
    runCampaign(client, recipients, {
      folder,
      from: 'Ashgrove Surgery',
      join: 'https://records.example.org/join',
      signal: stop ?? new AbortController().signal,
      onDone: never,
    });
  const linesOf = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n').slice(1);

  it('writes two messages for each who is invited and an outcome for each row, 500 at a time', async () => {
    const { client, batches } = serviceWith(people, never);
    const { outbox, outcomes, counts, left } = await run(client, newFolder());
    assert.deepEqual(batches, [500, 500, 200]);
    assert.equal(linesOf(outbox).length, 2 * invited);
    assert.equal(linesOf(outcomes).length, PEOPLE);
    assert.deepEqual([counts.get('invited'), left], [invited, 0]);
  });

  it('comes to the same, however often it breaks off and wherever the answer was lost', async () => {
    const breaks = fc.array(fc.constantFrom('before', 'after', undefined), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(breaks, async (faults) => {
        const { client, pairs } = serviceWith(people, (call) => faults[call]);
        const folder = newFolder();
        for (let runs = 0; runs < faults.length; runs++) {
          const { counts, left, earlier } = await run(client, folder);
          const now = [...counts.values()].reduce((sum, count) => sum + count, 0);
          assert.equal(now + left + earlier, PEOPLE, 'the numbers are true');
        }
        const { outbox, outcomes, left, failure } = await run(client, folder);
        assert.deepEqual([left, failure], [0, undefined]);
        assert.equal(new Set(linesOf(outbox)).size, 2 * invited);
        assert.equal(linesOf(outbox).length, 2 * invited);
        assert.equal(linesOf(outcomes).length, PEOPLE);
        assert.ok([...pairs.values()].every((count) => count === 1));
      }),
      { numRuns: 8 },
    );
  });

  it('writes the messages that are missing when it died between messages and outcomes', async () => {
    const { client } = serviceWith(people, never);
    const folder = newFolder();
    const { outbox, outcomes } = await run(client, folder);
    const whole = readFileSync(outbox, 'utf8');
    const [heading] = readFileSync(outcomes, 'utf8').split('\n');
    writeFileSync(outcomes, `${heading}\n`);
    writeFileSync(outbox, whole.slice(0, whole.length / 3));
    await run(client, folder);
    assert.equal(readFileSync(outbox, 'utf8'), whole);
    assert.equal(linesOf(outcomes).length, PEOPLE);
  });

  it('keeps what is done when access is revoked meanwhile, and stops when told to', async () => {
    const revoked = new Refused({ status: 403, code: 'connection-revoked', text: '', reference: 'r' });
    let calls = 0;
    const { client } = serviceWith(people, () => {
      if (calls++ === 1) throw revoked;
      return undefined;
    });
    const folder = newFolder();
    const { failure, left, outcomes } = await run(client, folder);
    assert.deepEqual([failure, left, linesOf(outcomes).length], [revoked, PEOPLE - 500, 500]);
    assert.equal((await run(client, folder, AbortSignal.abort())).left, PEOPLE - 500);
  });

  it('puts one code into each of two messages of one text each', () => {
    const pair = { code: 'ABCDEFGHJK', token: 'MNPQRSTVWX', expiry: '2027-09-30T12:00:00Z' };
    const [first, second] = textsFor({ mobile: '+447700900123' }, pair, {
      from: 'Ashgrove Surgery',
      join: 'https://records.example.org/join',
    });
    assert.ok(first!.text.includes(pair.code) && !first!.text.includes(pair.token));
    assert.ok(second!.text.includes(pair.token) && !second!.text.includes(pair.code));
    for (const { text } of [first!, second!]) assert.ok(text.length <= 160, `${text.length}: ${text}`);
  });
});
