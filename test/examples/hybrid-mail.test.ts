import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { DocumentReference } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { awaitReceipts } from '../../examples/hybrid-mail/await-receipts.ts';
import { isSameLetter, letterDocument } from '../../examples/hybrid-mail/letter-document.ts';
import { contentOf, readLetters } from '../../examples/hybrid-mail/read-letters.ts';
import { sendLetters } from '../../examples/hybrid-mail/send-letters.ts';
import { whatNext } from '../../examples/hybrid-mail/what-next.ts';
import type { FhirClient } from '../../examples/shared/fhir-client.ts';
import type { Receipt } from '../../examples/shared/operations.ts';
import { Refused } from '../../examples/shared/refused.ts';
import { contentKind } from '../../src/attachments/content-kind.ts';
import { validateResource } from '../../src/fhir/validation/validate-resource.ts';
import { definitions } from '../support/definitions.ts';

const SHIPPED = fileURLToPath(new URL('../../examples/hybrid-mail/letters', import.meta.url));
const letters = readLetters(SHIPPED);
const NOW = new Date('2026-11-22T12:00:00Z');
const HOUR_MS = 3_600_000;

describe('the folder of letters', () => {
  const folder = mkdtempSync(join(tmpdir(), 'letters-'));
  after(() => rmSync(folder, { recursive: true }));
  cpSync(SHIPPED, folder, { recursive: true });
  writeFileSync(join(folder, 'empty.txt'), '');
  writeFileSync(join(folder, 'huge.pdf'), Buffer.alloc(10 * 1024 * 1024 + 1));

  const withRows = (...rows: string[]) => {
    writeFileSync(join(folder, 'letters.csv'), `letter_id,nhs_number,file,title\n${rows.join('\n')}\n`);
    return () => readLetters(folder);
  };

  it('that comes with the program holds letters that a patient’s browser is shown', () => {
    assert.equal(letters.length, 6);
    for (const letter of letters)
      assert.ok(contentKind(contentOf(letter), letter.contentType), `${letter.file} is what it is called`);
  });

  for (const [what, row, says] of [
    ['a number that is nobody’s', 'L1,9993751155,review.txt,Review', /line 2: 9993751155 is not an NHS/],
    ['a letter without a number', ',9993751154,review.txt,Review', /line 2: letter_id/],
    ['a number that would be two', 'L|1,9993751154,review.txt,Review', /line 2: letter_id/],
    ['a file that is not there', 'L1,9993751154,none.pdf,Review', /line 2: there is no file none.pdf/],
    ['a file elsewhere', 'L1,9993751154,../review.txt,Review', /line 2: file .* in this folder/],
    ['a file of another kind', 'L1,9993751154,letters.csv,Review', /line 2: file .* is not a \.pdf/],
    ['a file with nothing in it', 'L1,9993751154,empty.txt,Review', /line 2: file empty.txt is empty/],
    [
      'a file that is not taken',
      'L1,9993751154,huge.pdf,Review',
      /line 2: file huge.pdf is larger than 10 MB/,
    ],
    ['a letter without a title', 'L1,9993751154,review.txt,', /line 2: title is empty/],
  ] as const) {
    it(`is refused whole for ${what}, naming the line`, () => {
      const read = withRows(row, 'L2,9993751154,review.txt,Review');
      assert.throws(read, { name: 'UsageError', message: says });
    });
  }

  it('is refused for one number twice, and when it is empty', () => {
    const row = 'L1,9993751154,review.txt,Review';
    assert.throws(withRows(row, row), /line 3: letter_id L1 stands above/);
    assert.throws(withRows(), /has no letters/);
  });
});

describe('a letter', () => {
  const [letter] = letters;
  const content = contentOf(letter!);
  const document = letterDocument('183f0e92-59e5-852b-9d32-aa8a8f7e80da', letter!, content, { sentAt: NOW });

  it('is valid FHIR R4', () => {
    assert.deepEqual(validateResource(definitions, document, 'DocumentReference'), []);
  });

  it('is the same until its content or its title is another, or it was withdrawn', () => {
    assert.ok(isSameLetter(document, letter!, content));
    assert.ok(!isSameLetter(document, letter!, Buffer.concat([content, Buffer.from(' ')])));
    assert.ok(!isSameLetter(document, { ...letter!, title: 'Other' }, content));
    assert.ok(!isSameLetter({ ...document, status: 'superseded' }, letter!, content));
  });
});

/** A service that holds the letters it was sent; NHS number 9990000026 is nobody’s there. */
function serviceWith(fail: (asked: string) => Error | undefined = () => undefined) {
  const held = new Map<string, DocumentReference>();
  const files: number[] = [];
  const asked: string[] = [];
  const ask = (what: string) => {
    asked.push(what);
    const failure = fail(what);
    if (failure) throw failure;
  };
  const client = {
    async *search(type: string, { identifier }: { identifier: string }) {
      ask(`search ${type}`);
      const [, value = ''] = identifier.split('|');
      if (type === 'Patient' && value !== '9990000026') yield { resourceType: 'Patient', id: value };
      if (type === 'DocumentReference' && held.has(value)) yield held.get(value);
    },
    async createOnce(document: DocumentReference, { value }: { value: string }) {
      ask('create');
      held.set(value, document);
      return 'created';
    },
    async createBinary(content: Buffer) {
      ask('binary');
      files.push(content.length);
      return `Binary/b${files.length}`;
    },
    async put(document: DocumentReference, { value }: { value: string }) {
      ask('put');
      held.set(value, document);
      return 'existed';
    },
  } as unknown as FhirClient;
  return { client, held, asked, files };
}

const send = async (
  client: FhirClient,
  options: { some?: typeof letters; now?: Date; stop?: boolean } = {},
) =>
  sendLetters(client, options.some ?? letters, {
    atOnce: 2,
    signal: options.stop ? AbortSignal.abort() : new AbortController().signal,
    now: () => options.now ?? NOW,
    onDone: () => undefined,
  });
const ways = ({ sent }: Awaited<ReturnType<typeof send>>) => letters.map(({ id }) => sent.get(id)?.how);

describe('sending letters', () => {
  it('sends each once, keeps when it was first sent, and says who is not a patient there', async () => {
    const { client, asked } = serviceWith();
    assert.deepEqual(ways(await send(client)), ['sent', 'sent', 'sent', 'sent', 'sent', 'refused']);
    asked.length = 0;
    const later = await send(client, { now: new Date(NOW.getTime() + 5 * HOUR_MS) });
    assert.deepEqual(ways(later), ['there', 'there', 'there', 'there', 'there', 'refused']);
    const first = later.sent.get(letters[0]!.id)!;
    assert.deepEqual(first.how === 'there' && first.sentAt, NOW);
    assert.ok(!asked.includes('create') && !asked.includes('put'));
  });

  it('puts a letter that has changed in the earlier one’s place', async () => {
    const { client, held } = serviceWith();
    await send(client);
    const some = letters.map((letter, n) => (n === 1 ? { ...letter, title: 'Another day' } : letter));
    assert.deepEqual(ways(await send(client, { some })), [
      'there',
      'replaced',
      ...['there', 'there', 'there', 'refused'],
    ]);
    assert.equal(held.get(letters[1]!.id)?.description, 'Another day');
    assert.equal(held.size, 5);
  });

  it('goes on after a letter that is refused for itself, and stops at what all would meet', async () => {
    const refused = (status: number, code: string) =>
      new Refused({ status, code, text: 'No', reference: 'r1' });
    let creates = 0;
    const once = serviceWith((what) =>
      what === 'create' && ++creates === 1 ? refused(422, 'attachment-refused') : undefined,
    );
    const result = await send(once.client);
    assert.equal(result.failure, undefined);
    assert.equal(ways(result).filter((how) => how === 'sent').length, 4);

    const revoked = refused(403, 'connection-revoked');
    const ended = await send(serviceWith((what) => (what === 'create' ? revoked : undefined)).client);
    assert.equal(ended.failure, revoked);
    assert.deepEqual([...ended.sent.values()], []);
  });

  it('sends a large file as it is before its letter, once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'large-letters-'));
    try {
      const large = join(folder, 'large.txt');
      writeFileSync(large, 'x'.repeat(1024 * 1024 + 1));
      const some = letters.slice(0, 2).map((letter, n) => (n === 0 ? { ...letter, path: large } : letter));
      const { client, held, asked, files } = serviceWith();
      await send(client, { some });
      assert.deepEqual(files, [1024 * 1024 + 1]);
      const [first, second] = some.map(({ id }) => held.get(id)!.content[0]!.attachment);
      assert.deepEqual([first!.url, first!.data], ['Binary/b1', undefined]);
      assert.ok(second!.data && second!.url === undefined);
      asked.length = 0;
      assert.deepEqual(ways(await send(client, { some })).slice(0, 2), ['there', 'there']);
      assert.ok(!asked.includes('binary'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('sends nothing when it is told to stop', async () => {
    const { client, asked } = serviceWith();
    const { sent } = await send(client, { stop: true });
    assert.deepEqual([sent.size, asked.length], [0, 0]);
  });
});

describe('what is next for a letter', () => {
  const known = {
    status: { outcome: 'found', registered: true, deceased: false },
    sent: { how: 'sent', sentAt: NOW } as const,
    receipt: { outcome: 'found', read: false },
    cannotJoin: undefined,
  };
  const after = (hours: number) => new Date(NOW.getTime() + hours * HOUR_MS);
  const read = { outcome: 'found', read: true, firstRead: '2026-11-22T13:00:00Z' };

  for (const [what, parts, hours, wanted] of [
    ['is read: nothing', { receipt: read }, 100, 'nothing'],
    ['is not read yet: it is waited for', {}, 71.9, 'wait'],
    ['is not read in time: it is posted', {}, 72, 'post'],
    ['cannot be opened: it is posted', { receipt: { ...read, reportedUnreadable: 'x' } }, 1, 'post'],
    ['is of somebody too young to join: it is posted at once', { cannotJoin: 'under-16' }, 0, 'post'],
    [
      'was read by somebody who joined since: nothing',
      { receipt: read, cannotJoin: 'under-16' },
      0,
      'nothing',
    ],
    ['was withdrawn: a person is asked', { receipt: { outcome: 'withdrawn' } }, 100, 'ask'],
    ['was not tried: a person is asked', { sent: undefined }, 100, 'ask'],
    ['is to a stranger: it is posted', { sent: { how: 'refused', why: '', code: 'not-found' } }, 0, 'post'],
    ['was not taken: a person is asked', { sent: { how: 'refused', why: '', code: 'x' } }, 100, 'ask'],
  ] as const) {
    it(`when it ${what}`, () => {
      assert.equal(whatNext({ ...known, ...parts }, 72, after(hours)).do, wanted);
    });
  }

  it('nothing is posted to somebody who has died without a person, whatever else is so', () => {
    const flags = fc.record({
      sent: fc.constantFrom(undefined, known.sent, { how: 'refused', why: '', code: 'not-found' } as const),
      receipt: fc.constantFrom<(Receipt | undefined)[]>(undefined, known.receipt, read),
      cannotJoin: fc.constantFrom(undefined, 'deceased', 'under-16'),
      hours: fc.nat(200),
    });
    fc.assert(
      fc.property(flags, ({ hours, ...parts }) => {
        const status = { outcome: 'found', deceased: true };
        assert.equal(whatNext({ ...parts, status }, 72, after(hours)).do, 'ask');
      }),
    );
  });
});

describe('waiting for receipts', () => {
  /** A service where letters are read one with each question. */
  function readOneByOne() {
    let asked = 0;
    const client = {
      async operation(_path: string, parameter: { valueIdentifier: { value: string } }[]) {
        asked += 1;
        return {
          parameter: parameter.map(({ valueIdentifier }, n) => ({
            name: 'readReceipt',
            part: [
              { name: 'documentIdentifier', valueIdentifier },
              { name: 'read', valueBoolean: n < asked },
              { name: 'outcome', valueCode: 'found' },
            ],
          })),
        };
      },
    } as unknown as FhirClient;
    return { client, asked: () => asked };
  }
  const ids = ['a', 'b', 'c'];
  const run = async (client: FhirClient, parts: { until?: Date; signal?: AbortSignal }) => {
    const told: number[] = [];
    const receipts = await awaitReceipts(client, ids, {
      until: parts.until ?? new Date(NOW.getTime() + HOUR_MS),
      everyMs: 1,
      signal: parts.signal ?? new AbortController().signal,
      now: () => NOW,
      stillWaiting: (some) => [...some.values()].filter(({ read }) => !read).length,
      onAsked: (waiting) => told.push(waiting),
    });
    return { told, receipts };
  };

  it('asks until none is waited for', async () => {
    const { client } = readOneByOne();
    const { told, receipts } = await run(client, {});
    assert.deepEqual(told, [2, 1, 0]);
    assert.deepEqual(
      [...receipts].map(([id, { read }]) => [id, read]),
      ids.map((id) => [id, true]),
    );
  });

  it('asks once when there is no time, and ends with what it knows when told to stop', async () => {
    assert.deepEqual((await run(readOneByOne().client, { until: NOW })).told, [2]);
    assert.deepEqual((await run(readOneByOne().client, { signal: AbortSignal.abort() })).told, [2]);
  });
});
