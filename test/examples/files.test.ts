import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { csvLine, parseCsv, readTable } from '../../examples/shared/csv.ts';
import { openFolder, openLedger } from '../../examples/shared/ledger.ts';

const folder = mkdtempSync(join(tmpdir(), 'files-'));
after(() => rmSync(folder, { recursive: true }));
let numbered = 0;
const newPath = () => join(folder, `file-${++numbered}.csv`);

function fileWith(text: string): string {
  const path = newPath();
  writeFileSync(path, text);
  return path;
}

describe('a CSV file', () => {
  it('that was written is read as it was, whatever is in its cells', () => {
    const cell = fc
      .string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', 'é', '=', '-') })
      .map((text) => text.trim());
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { maxLength: 6 }), (rows) => {
        const written = rows.map(csvLine).join('');
        assert.deepEqual(
          parseCsv(written).map(({ cells }) => cells),
          rows,
        );
      }),
    );
  });

  it('is read by the names of its columns, and says on which line a row begins', () => {
    const rows = readTable(fileWith('\uFEFFB, a \r\n"x\ny",1\r\n\r\n,\nlast,2'), ['a', 'b']);
    assert.deepEqual(
      rows.map(({ line, cell }) => [line, cell('a'), cell('b'), cell('none')]),
      [
        [2, '1', 'x\ny', ''],
        [6, '2', 'last', ''],
      ],
    );
  });

  for (const [what, text, says] of [
    ['lacks a column', 'a,b\n1,2\n', /has no column c\.$/],
    ['is empty', '', /has no column a, c\.$/],
    ['has a quotation mark that does not end', 'a,c\n1,"2\n', /^Line 2: a quotation mark/],
    ['has a quotation mark in the middle', 'a,c\n1,2"3"\n', /^Line 2: a quotation mark/],
  ] as const) {
    it(`is refused when it ${what}`, () => {
      assert.throws(() => readTable(fileWith(text), ['a', 'c']), { name: 'UsageError', message: says });
    });
  }

  it('is refused when it is not there', () => {
    assert.throws(() => readTable(join(folder, 'none'), []), {
      message: /cannot be read: there is no such file/,
    });
  });
});

describe('a ledger', () => {
  const open = (path: string) => openLedger(path, ['id', 'text']);

  it('holds what was added, also for the next run, and is its owner’s alone', () => {
    const path = newPath();
    open(path).add([{ id: '1', text: 'a, "b"\nc' }]);
    open(path).add([{ id: '2', text: '' }]);
    assert.deepEqual(open(path).entries, [
      { id: '1', text: 'a, "b"\nc' },
      { id: '2', text: '' },
    ]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('takes a line away that a crash cut short, and goes on', () => {
    const path = newPath();
    open(path).add([{ id: '1', text: 'whole' }]);
    appendFileSync(path, '2,cut sh');
    open(path).add([{ id: '3', text: 'after' }]);
    assert.equal(readFileSync(path, 'utf8'), 'id,text\n1,whole\n3,after\n');
  });

  it('is never written into somebody else’s file', () => {
    const path = fileWith('name,price\nbread,1\n');
    assert.throws(() => open(path), /is not a file of this program/);
    assert.equal(readFileSync(path, 'utf8'), 'name,price\nbread,1\n');
  });
});

describe('a folder', () => {
  it('keeps one request key, which another folder does not share', () => {
    const path = join(folder, 'campaign');
    const { requestKey } = openFolder(path);
    assert.ok(requestKey.length >= 32);
    assert.equal(openFolder(path).requestKey, requestKey);
    assert.notEqual(openFolder(join(folder, 'other')).requestKey, requestKey);
    assert.equal(statSync(path).mode & 0o777, 0o700);
  });
});
