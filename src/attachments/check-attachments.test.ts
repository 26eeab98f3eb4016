import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ATTACHMENT_BYTES_MAX, createCheckAttachments } from './check-attachments.ts';
import { createClamav } from './clamav.ts';
import { contentKind, textOf } from './content-kind.ts';

const PDF = Buffer.from(`%PDF-1.7\n${'x'.repeat(100)}\n%%EOF`);
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
const JPEG = Buffer.from('ffd8ffe000104a464946', 'hex');

describe('what an attachment is', () => {
  it('is known by its bytes, and must be what it is said to be', () => {
    const cases: [Buffer, string, ReturnType<typeof contentKind>][] = [
      [PDF, 'application/pdf', 'pdf'],
      [PDF, 'APPLICATION/PDF; name="x"', 'pdf'],
      [PNG, 'image/png', 'png'],
      [JPEG, 'image/jpeg', 'jpeg'],
      [Buffer.from('GIF89a…'), 'image/gif', 'gif'],
      [Buffer.from('RIFF\0\0\0\0WEBPVP8 '), 'image/webp', 'webp'],
      [Buffer.from('Dear Nïa,\r\n\tall is well'), 'text/plain; charset=UTF-8', 'text'],
      [Buffer.from('<p>Dear Nia</p>'), 'text/html', 'html'],
      [Buffer.from('caf\xe9', 'latin1'), 'text/plain;charset=iso-8859-1', 'text'],
      [PNG, 'application/pdf', null],
      [Buffer.from('<script>'), 'image/png', null],
      [Buffer.from('MZ\x90\0'), 'application/pdf', null],
      [Buffer.from('MZ\x90\0', 'latin1'), 'text/plain', null],
      [Buffer.from('text\0with NUL'), 'text/plain', null],
      [Buffer.from('caf\xe9', 'latin1'), 'text/plain', null],
      [Buffer.from('+ADw-script+AD4-'), 'text/html; charset=utf-7', null],
      [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'image/svg+xml', null],
      [Buffer.from('{\\rtf1}'), 'application/rtf', null],
      [
        Buffer.from('PK\x03\x04'),
        'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
        null,
      ],
      [Buffer.from('%PDF-'), 'application/pdf', null],
      [PDF, '', null],
      [Buffer.alloc(0), 'image/png', null],
    ];
    for (const [bytes, type, kind] of cases) assert.equal(contentKind(bytes, type), kind, `${type} ${bytes}`);
  });

  it('is read in its charset', () => {
    assert.equal(textOf(Buffer.from('caf\xe9', 'latin1'), 'text/plain; charset="ISO-8859-1"'), 'café');
    assert.equal(textOf(Buffer.from('\ufeffcafé'), 'text/plain'), 'café');
  });
});

describe('checking attachments', () => {
  const check = createCheckAttachments({});
  const letter = (attachment: object, more: object = {}) => ({
    resourceType: 'DocumentReference',
    content: [{ attachment }],
    ...more,
  });
  const inline = (bytes: Buffer, contentType: string, more: object = {}) =>
    letter({ contentType, data: bytes.toString('base64'), ...more });
  const codes = async (resource: Record<string, unknown>, using = check) =>
    (await using(resource)).map(({ code }) => code);

  it('refuses HTML that would keep everybody else waiting while it is made safe, in one attachment or many', async () => {
    const html = (text: string) => ({ contentType: 'text/html', data: Buffer.from(text).toString('base64') });
    const codes = async (...all: object[]) =>
      (
        await check({ resourceType: 'DocumentReference', content: all.map((attachment) => ({ attachment })) })
      ).map(({ code }) => code);
    assert.deepEqual(await codes(html('<p>x</p>'.repeat(10_000))), []);
    assert.deepEqual(await codes(html('<div>'.repeat(20_001))), ['attachment-size']);
    assert.deepEqual(await codes(html('&'.repeat(1024 * 1024 + 1))), ['attachment-size']);
    const half = html('<b>'.repeat(12_000));
    assert.deepEqual(await codes(half, half), ['attachment-size']);
    assert.deepEqual(await codes(...Array.from({ length: 20 }, () => html('<p>x</p>'))), []);
    assert.deepEqual(await codes(...Array.from({ length: 21 }, () => html('<p>x</p>'))), ['attachment-size']);
  });

  it('finds nothing wrong with a good letter, or with one whose text is elsewhere', async () => {
    const hash = createHash('sha1').update(PDF).digest('base64');
    assert.deepEqual(await codes(inline(PDF, 'application/pdf', { size: PDF.length, hash })), []);
    assert.deepEqual(await codes(letter({ contentType: 'application/pdf', url: 'Binary/1' })), []);
    assert.deepEqual(
      await codes({ resourceType: 'Binary', contentType: 'image/png', data: PNG.toString('base64') }),
      [],
    );
    assert.deepEqual(await codes({ resourceType: 'Observation' }), []);
  });

  it('says what is wrong and where', async () => {
    assert.deepEqual(await check(inline(PNG, 'application/pdf')), [
      {
        code: 'attachment-kind',
        expression: 'DocumentReference.content[0].attachment',
        text: 'Patients can open PDF, HTML, plain text (UTF-8), PNG, JPEG, GIF and WebP. The data must be what contentType says.',
      },
    ]);
    assert.deepEqual(await codes(inline(PDF, 'application/pdf', { size: 1 })), ['attachment-size']);
    assert.deepEqual(await codes(inline(PDF, 'application/pdf', { hash: 'AAAA' })), ['attachment-hash']);
    assert.deepEqual(await codes({ resourceType: 'Binary', contentType: 'text/javascript', data: 'eA==' }), [
      'attachment-kind',
    ]);
  });

  it('takes what is as large as the limit, and nothing larger', async () => {
    const most = Buffer.alloc(ATTACHMENT_BYTES_MAX, 'x');
    assert.deepEqual(await codes(inline(most, 'text/plain')), []);
    assert.deepEqual(await codes(inline(Buffer.concat([most, PNG]), 'text/plain')), ['attachment-size']);
  });

  it('takes a delay of whole days, up to a year', async () => {
    const delayed = (value: object) =>
      codes(
        letter({}, { extension: [{ url: 'urn:connected-systems:extension:visible-after-days', ...value }] }),
      );
    assert.deepEqual(await delayed({ valueUnsignedInt: 0 }), []);
    assert.deepEqual(await delayed({ valueUnsignedInt: 365 }), []);
    for (const wrong of [{ valueUnsignedInt: 366 }, { valueInteger: -1 }, { valueString: '3' }, {}]) {
      assert.deepEqual(await delayed(wrong), ['visibility-delay']);
    }
  });

  it('keeps out what the scanner finds, and everything when the scanner cannot be asked', async () => {
    const scanner = await clamd();
    after(scanner.stop);
    const scanned = createCheckAttachments({ clamavSocket: scanner.path });
    assert.deepEqual(await codes(inline(Buffer.from('all is well'), 'text/plain'), scanned), []);
    assert.deepEqual(await codes(inline(Buffer.from('X5O EICAR'), 'text/plain'), scanned), [
      'attachment-virus',
    ]);
    const large = Buffer.alloc(300_000, 'y');
    assert.deepEqual(await codes(inline(large, 'text/plain'), scanned), []);
    assert.equal(scanner.seen.at(-1)?.equals(large), true, 'every byte was looked at');
    scanner.answer = 'INSTREAM size limit exceeded. ERROR';
    await assert.rejects(codes(inline(PDF, 'application/pdf'), scanned), /clamd answered/);
    scanner.answer = null;
    const hasty = createCheckAttachments({}, createClamav(scanner.path, 50));
    await assert.rejects(codes(inline(PDF, 'application/pdf'), hasty), /in time/);
    const absent = createCheckAttachments({ clamavSocket: `${scanner.path}.gone` });
    await assert.rejects(codes(inline(PDF, 'application/pdf'), absent), /ENOENT/);
  });
});

/** A daemon that speaks INSTREAM; `answer` null: never answers. */
async function clamd() {
  const folder = mkdtempSync(join(tmpdir(), 'clamd-'));
  const path = join(folder, 'clamd.sock');
  const scanner = { path, seen: [] as Buffer[], answer: '' as string | null, stop: async () => {} };
  const server = createServer((socket) => {
    let all = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      all = Buffer.concat([all, chunk]);
      const data = streamOf(all);
      if (!data || scanner.answer === null) return;
      scanner.seen.push(data);
      socket.end(
        `${scanner.answer || (data.includes('EICAR') ? 'stream: Eicar-Test FOUND' : 'stream: OK')}\0`,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  scanner.stop = async () => {
    server.close();
    rmSync(folder, { recursive: true });
  };
  return scanner;
}

function streamOf(all: Buffer): Buffer | null {
  const parts: Buffer[] = [];
  for (let at = 'zINSTREAM\0'.length; at + 4 <= all.length; ) {
    const length = all.readUInt32BE(at);
    if (length === 0) return Buffer.concat(parts);
    parts.push(all.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return null;
}
