import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readSettings } from '../../examples/shared/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'settings-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const KEY = { kty: 'EC', crv: 'P-384', kid: 'k1', alg: 'ES384', d: 'private', x: 'x', y: 'y' };
const demoFile = file('demo.json', {
  organisations: [
    {
      name: 'First',
      odsCode: 'ZX1',
      publicId: 'one',
      fhirBase: 'http://127.0.0.1:1/organisations/one/fhir/R4',
    },
    {
      name: 'Second',
      odsCode: 'ZX2',
      publicId: 'two',
      fhirBase: 'http://127.0.0.1:1/organisations/two/fhir/R4',
    },
  ],
  systems: [
    { name: 'Viewer', clientId: 'viewer', privateJwk: KEY },
    { name: 'Kiosk', clientId: 'kiosk', clientSecret: 'hush' },
  ],
  patients: [],
});
const usable = { base: 'https://service.example.org/fhir/R4', 'client-id': 'me', key: file('key.json', KEY) };

describe('the settings of the examples', () => {
  it('come from the demo file alone', () => {
    const { fhirBase, clientId, proof } = readSettings({}, { DEMO_FILE: demoFile }, 'Viewer');
    assert.equal(fhirBase, 'http://127.0.0.1:1/organisations/one/fhir/R4');
    assert.equal(clientId, 'viewer');
    assert.deepEqual(proof, { by: 'key', jwk: KEY });
  });

  it('choose organisation and system of the demo by name or code', () => {
    const flags = { 'demo-file': demoFile, organisation: 'zx2', system: 'kiosk' };
    const { fhirBase, proof } = readSettings(flags, {}, 'Viewer');
    assert.match(fhirBase, /two/);
    assert.deepEqual(proof, { by: 'secret', secret: 'hush' });
  });

  it('prefer a flag to the environment', () => {
    const env = { FHIR_BASE: 'https://other.example.org/fhir/R4', CLIENT_ID: 'other' };
    const { fhirBase, clientId } = readSettings({ ...usable, base: 'https://flag.example.org/x/' }, env, '');
    assert.deepEqual([fhirBase, clientId], ['https://flag.example.org/x', 'me']);
  });

  it('take a secret from a file, never from the command line', () => {
    const { key: _, ...others } = usable;
    const { proof } = readSettings({ ...others, 'secret-file': file('secret', 's3cret\n') }, {}, '');
    assert.deepEqual(proof, { by: 'secret', secret: 's3cret' });
  });

  for (const [what, flags, says] of [
    ['nothing at all', {}, /^Set --base .*; --client-id .*; --key /],
    [
      'plain http to another computer',
      { ...usable, base: 'http://service.example.org/fhir/R4' },
      /must be an https/,
    ],
    ['no address', { ...usable, base: 'service' }, /not usable as a FHIR base/],
    ['a key and a secret', { ...usable, 'secret-file': usable.key }, /not both/],
    ['a public key', { ...usable, key: file('public.json', { ...KEY, d: undefined }) }, /no private part/],
    ['a key without a kid', { ...usable, key: file('nokid.json', { ...KEY, kid: undefined }) }, /no “kid”/],
    [
      'a key for another algorithm',
      { ...usable, key: file('rs256.json', { ...KEY, alg: 'RS256' }) },
      /RS384 or ES384/,
    ],
    ['a key that is not JSON', { ...usable, key: file('key.pem', '-----BEGIN') }, /is not JSON/],
    [
      'a key that is not there',
      { ...usable, key: join(folder, 'none') },
      /cannot be read: there is no such file/,
    ],
    [
      'an unknown organisation',
      { 'demo-file': demoFile, organisation: 'Nowhere' },
      /There are: First, Second/,
    ],
  ] as const) {
    it(`refuse ${what}, saying what to do`, () => {
      assert.throws(() => readSettings(flags, {}, 'Viewer'), { name: 'UsageError', message: says });
    });
  }
});
