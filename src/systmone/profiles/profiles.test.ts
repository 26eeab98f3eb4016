import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encrypt, withoutPadding } from './aes-cbc.ts';
import { ENCODINGS, type EncodingName } from './encodings.ts';
import { contextualLaunches, fieldSettings, launches, readBy, siderSettings } from './fixture.ts';
import { createProfile, type LaunchFields, type ProfileSettings } from './index.ts';
import { keyOfPassphrase } from './passphrase-key.ts';

const LAUNCH: LaunchFields = {
  organisation: 'Z99901',
  userName: 'jbloggs0506',
  nhsNumber: '9434765919',
  birthDate: '1980-12-01',
  role: null,
  notBefore: null,
  expires: null,
  serviceId: null,
};
const KEY = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
const IV = Buffer.from('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'hex');
const fields = (encoding: EncodingName, bits: 128 | 192 | 256): ProfileSettings => ({
  profile: 'fields',
  cipher: `aes-${bits}-cbc`,
  encoding,
  key: KEY.subarray(0, bits / 8),
  iv: IV,
  birthDate: true,
  role: false,
});
const clear: ProfileSettings = { profile: 'clear', birthDate: true, role: true };
const problemsOf = (settings: ProfileSettings, query: string) =>
  createProfile(settings)
    .inspect(query)
    .reports.filter(({ problem }) => problem)
    .map(({ parameter, problem }) => `${parameter}: ${problem}`);

const VECTORS = {
  128: '33714f3c23a6d87531de2f98371d3d69',
  192: 'eb5da4b34da693edeea9c34e31fa57c9',
  256: 'a2a51067c3a124ec16cf7fb54d096c66',
};
const PASSPHRASE = {
  key: '781e5e245d69b566979b86e28d23f2c763ddb895bd6482b4dd0822e0d1ea5805',
  iv: 'c241a3430be5062623f831e7b21d0a37',
};

describe('the profiles of launch links', () => {
  it('read what every one of them writes', () => {
    fc.assert(
      fc.property(fieldSettings, launches, (settings, launch) => {
        assert.deepEqual(readBy(settings, createProfile(settings).encode(launch)), launch);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(launches, (launch) => {
        assert.deepEqual(readBy(clear, createProfile(clear).encode(launch)), launch);
      }),
    );
    for (const settings of [siderSettings, { profile: 'somerset' } as const]) {
      fc.assert(
        fc.property(contextualLaunches, (launch) => {
          assert.deepEqual(readBy(settings, createProfile(settings).encode(launch)), launch);
        }),
      );
    }
  });

  it('write what the parts on the set-up page say: prefix, then texts and fields in turn', () => {
    for (const settings of [fields('hex', 256), clear, { profile: 'somerset' } as const]) {
      const { prefix, parts, encode } = createProfile(settings);
      const launch = { ...LAUNCH, role: settings.profile === 'clear' ? 'GP' : null };
      const texts = [prefix, ...parts.flatMap((part) => (part.kind === 'text' ? [part.text] : []))];
      let rest = encode(launch);
      assert.ok(rest.startsWith(prefix));
      for (const text of texts) {
        assert.ok(rest.includes(text), `${text} in ${rest}`);
        rest = rest.slice(rest.indexOf(text) + text.length);
      }
    }
  });

  it('agree with vectors made by OpenSSL on the command line', () => {
    // printf 'jbloggs0506' | openssl enc -aes-256-cbc -K … -iv … | xxd -p, and so for each field and key size
    for (const [bits, user] of Object.entries(VECTORS)) {
      const query = createProfile(fields('hex', Number(bits) as 128)).encode(LAUNCH);
      assert.match(query, new RegExp(`&user=${user}&`), `${bits} bits`);
    }
  });

  it('read the link that a hospital published of its SIDeR service', () => {
    // README of Yeovil District Hospital's obfuscation service; the passphrase is its template's.
    const enc =
      'a6c12e7c5969ab5829a3f91ba02c302a0b4f598ad6c03709fbeeb52686a007c99f8b13add1472176b06f1471a0343f2d' +
      '904d6f41c5776fa6d340834c8ebef92d41dcc164c6c8273854f404fd24b1ec8d4e6829c4a9b76aa08d8a5b63d806fb01';
    const query =
      'location=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fods-organization-code%7CRA4' +
      '&practitioner=https%3A%2F%2Fsider.nhs.uk%2Fauth%7Cfrazer.smith%40ydh.nhs.uk' +
      `&enc=k01%7C${enc}`;
    assert.deepEqual(readBy({ profile: 'sider', keyName: 'k01', passphrase: '0123456789' }, query), {
      ...LAUNCH,
      organisation: 'RA4',
      userName: 'frazer.smith@ydh.nhs.uk',
      nhsNumber: '9449304513',
      birthDate: '1934-10-23',
    });
  });

  it('makes the key of a passphrase as OpenSSL does', () => {
    // openssl enc -aes-256-cbc -md md5 -nosalt -P -pass pass:0123456789
    const { key, iv } = keyOfPassphrase('0123456789');
    assert.equal(key.toString('hex'), PASSPHRASE.key);
    assert.equal(iv.toString('hex'), PASSPHRASE.iv);
  });
});

describe('what was changed in a link', () => {
  const mutations = (query: string) =>
    fc
      .record({
        at: fc.nat(query.length - 1),
        to: fc.constantFrom(...'0123456789abcdefABCDEFxyzXYZ+/_=%&|-'),
      })
      .map(({ at, to }) => query.slice(0, at) + to + query.slice(at + 1));

  it('is refused, whichever byte it is', () => {
    fc.assert(
      fc.property(
        fieldSettings.chain((settings) =>
          launches.chain((launch) => {
            const query = createProfile(settings).encode(launch);
            return fc.tuple(fc.constant(settings), fc.constant(query), mutations(query));
          }),
        ),
        ([settings, query, changed]) => {
          fc.pre(changed !== query);
          assert.equal(readBy(settings, changed), null);
        },
      ),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(
        contextualLaunches.chain((launch) => {
          const query = createProfile(siderSettings).encode(launch);
          return fc.tuple(fc.constant(query), mutations(query));
        }),
        ([query, changed]) => {
          fc.pre(changed !== query);
          assert.equal(readBy(siderSettings, changed), null);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('is refused when parameters change places, come twice, are missing or are more', () => {
    fc.assert(
      fc.property(fieldSettings, launches, fc.nat(), fc.nat(), (settings, launch, one, two) => {
        const pairs = createProfile(settings).encode(launch).split('&');
        const [a, b] = [one % pairs.length, two % pairs.length];
        if (a !== b) {
          const swapped = pairs.with(a, pairs[b]!).with(b, pairs[a]!);
          assert.equal(readBy(settings, swapped.join('&')), null);
        }
        assert.equal(readBy(settings, pairs.toSpliced(a, 1).join('&')), null);
        assert.equal(readBy(settings, [...pairs, pairs[a]].join('&')), null);
        assert.equal(readBy(settings, [...pairs, 'more=1'].join('&')), null);
      }),
    );
    const somerset = createProfile({ profile: 'somerset' });
    const pairs = somerset.encode(LAUNCH).split('&');
    for (let index = 1; index < pairs.length; index += 1) {
      const swapped = pairs.with(0, pairs[index]!).with(index, pairs[0]!);
      assert.equal(somerset.inspect(swapped.join('&')).fields, null);
    }
  });

  it('is refused when the ciphertexts of two fields change places', () => {
    fc.assert(
      fc.property(fieldSettings, launches, fc.nat(), fc.nat(), (settings, launch, one, two) => {
        const pairs = createProfile(settings)
          .encode(launch)
          .split('&')
          .map((pair) => pair.split(/=(.*)/s));
        // A role may be any words; it decides nothing.
        const [a, b] = [one % 4, two % 4];
        fc.pre(a !== b);
        const values = pairs.map(([, value]) => value!);
        const swapped = values.with(a, values[b]!).with(b, values[a]!);
        assert.equal(
          readBy(settings, pairs.map(([name], index) => `${name}=${swapped[index]}`).join('&')),
          null,
        );
      }),
    );
  });

  it('is refused in any other encoding', () => {
    fc.assert(
      fc.property(
        fieldSettings,
        launches,
        fc.constantFrom<EncodingName>('hex', 'base64', 'base64url'),
        (settings, launch, encoding) => {
          fc.pre(encoding !== settings.encoding);
          const query = createProfile(settings).encode(launch);
          const recoded = createProfile({ ...settings, encoding }).encode(launch);
          fc.pre(recoded !== query);
          assert.equal(readBy(settings, recoded), null);
        },
      ),
    );
    const query = createProfile(fields('base64', 256)).encode(LAUNCH);
    assert.equal(readBy(fields('base64', 256), query.replaceAll('==', '')), null, 'without its padding');
    assert.equal(readBy(fields('base64', 256), query.replace('==', '=')), null, 'with half of it');
    const hex = createProfile(fields('hex', 256)).encode(LAUNCH);
    assert.equal(
      readBy(fields('hex', 256), hex.replace(/(?<==)(.)/, '%3$1')),
      null,
      'percent-encoded for nothing',
    );
    const shouted = hex.replace(/=([0-9a-f]+)/g, (all) => all.toUpperCase());
    assert.deepEqual(readBy(fields('hex', 256), shouted), LAUNCH, 'capital letters are the same writing');
    assert.equal(
      readBy(
        fields('hex', 256),
        hex.replace(/[a-f](?=[0-9a-f]*&)/, (l) => l.toUpperCase()),
      ),
      null,
    );
  });

  it('is refused with any other padding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (block) => {
        const plain = Buffer.from(block);
        const count = plain[15]!;
        const right = count >= 1 && count <= 16 && plain.subarray(16 - count).every((byte) => byte === count);
        assert.deepEqual(withoutPadding(plain), { right, length: right ? 16 - count : 16 });
      }),
      { numRuns: 2000, examples: [...Array(18).keys()].map((n) => [new Uint8Array(16).fill(n)]) },
    );
    const settings = fields('hex', 256) as Extract<ProfileSettings, { profile: 'fields' }>;
    const padded = (tail: number[]) => {
      const cipher = createCipheriv('aes-256-cbc', settings.key, settings.iv).setAutoPadding(false);
      const plain = Buffer.concat([Buffer.from('9434765919'), Buffer.from(tail)]);
      return Buffer.concat([cipher.update(plain), cipher.final()]).toString('hex');
    };
    const query = createProfile(settings).encode(LAUNCH);
    const withNumber = (hex: string) => query.replace(/nhs=[0-9a-f]+/, `nhs=${hex}`);
    assert.equal(withNumber(padded([6, 6, 6, 6, 6, 6])), query, 'PKCS#7, as it should be');
    for (const tail of [
      [0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 6],
      [7, 7, 7, 7, 7, 6],
      [6, 6, 6, 6, 6, 7],
      [6, 6, 6, 6, 6, 0x10],
      [6, 6, 6, 6, 6, 0x11],
      [32, 32, 32, 32, 32, 32],
    ]) {
      assert.equal(readBy(settings, withNumber(padded(tail))), null, String(tail));
    }
  });

  it('is refused when blocks are cut off, put on, or moved', () => {
    const settings = fields('hex', 256) as Extract<ProfileSettings, { profile: 'fields' }>;
    const long = { ...LAUNCH, userName: 'a.very.long.name.of.somebody.working.here@example.org' };
    const query = createProfile(settings).encode(long);
    const user = /user=([0-9a-f]+)/.exec(query)![1]!;
    const blocks = user.match(/.{32}/g)!;
    for (const changed of [
      blocks.slice(1),
      blocks.slice(0, -1),
      [...blocks, blocks[0]],
      [blocks[1], blocks[0], ...blocks.slice(2)],
      [],
      [user.slice(0, -2)],
    ]) {
      assert.equal(readBy(settings, query.replace(user, changed.join(''))), null);
    }
  });

  it('is refused under another key, vector or key name', () => {
    const settings = fields('hex', 256) as Extract<ProfileSettings, { profile: 'fields' }>;
    const query = createProfile(settings).encode(LAUNCH);
    assert.equal(readBy({ ...settings, key: Buffer.alloc(32, 1) }, query), null);
    assert.equal(readBy({ ...settings, iv: Buffer.alloc(16, 1) }, query), null);
    const sider = createProfile(siderSettings).encode(LAUNCH);
    assert.equal(readBy(siderSettings, sider.replace('k01|', 'k02|')), null);
  });

  it('costs the same work wherever it is wrong', () => {
    // Whatever is wrong, each field is deciphered, unpadded and read: none is given up because of another.
    const settings = fields('hex', 256);
    const query = createProfile(settings).encode(LAUNCH);
    const { reports } = createProfile(settings).inspect(query);
    const broken = [
      query.replace('org=', 'org=zz'),
      query.replace(/user=../, 'user=00'),
      '',
      'x'.repeat(9000),
    ];
    for (const each of broken) {
      const { fields: read, reports: told } = createProfile(settings).inspect(each);
      assert.equal(read, null);
      assert.deepEqual(
        told.map(({ parameter }) => parameter).slice(0, reports.length),
        reports.map(({ parameter }) => parameter),
        'every field is looked at',
      );
    }
  });
});

describe('what people who set a link up are told', () => {
  const query = createProfile(fields('hex', 256)).encode(LAUNCH);
  const told = (changed: string) => problemsOf(fields('hex', 256), changed);

  it('names each field and what is wrong with it', () => {
    assert.deepEqual(told(query), []);
    assert.deepEqual(told(query.replace(/&nhs=[^&]*/, '')), ['nhs: missing', 'dob: out-of-order']);
    assert.deepEqual(told(query.replace(/nhs=(..)/, 'nhs=zz')), ['nhs: encoding']);
    assert.deepEqual(told(query.replace(/nhs=(..)/, 'nhs=')), ['nhs: length']);
    assert.deepEqual(told(`${query}&extra=1`), ['extra: unexpected']);
    const wrongNumber = encrypt({ cipher: 'aes-256-cbc', key: KEY, iv: IV }, '9434765918').toString('hex');
    assert.deepEqual(told(query.replace(/nhs=[^&]*/, `nhs=${wrongNumber}`)), ['nhs: check-digit']);
    const wrongShape = encrypt({ cipher: 'aes-256-cbc', key: KEY, iv: IV }, '30/02/1980').toString('hex');
    assert.deepEqual(told(query.replace(/dob=[^&]*/, `dob=${wrongShape}`)), ['dob: shape']);
    const padding = ENCODINGS.hex.write(Buffer.alloc(16, 9));
    assert.deepEqual(told(query.replace(/nhs=[^&]*/, `nhs=${padding}`)), ['nhs: padding']);
    assert.deepEqual(problemsOf(siderSettings, 'enc=other|00'), [
      'enc: key-name',
      'patient: missing',
      'birthdate: missing',
      'location: missing',
      'practitioner: missing',
    ]);
  });

  it('reads dates as clinical systems write them, and no day that never was', () => {
    const dated = (date: string) =>
      readBy(
        { profile: 'clear', birthDate: true, role: false },
        `org=Z99901&user=jb1&nhs=943+476+5919&dob=${date}`,
      )?.birthDate ?? null;
    for (const date of ['1980-12-01', '01/12/1980', '01+Dec+1980', '01-Dec-1980', '01%20Dec%201980']) {
      assert.equal(dated(date), '1980-12-01', date);
    }
    for (const date of ['1980-02-30', '30/02/1980', '12/1980', '01 Foo 1980', '1-12-1980', '19801201', '']) {
      assert.equal(dated(date), null, date);
    }
  });
});
