import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { importJWK, jwtVerify, SignJWT } from 'jose';
import { type DemoFile, describeWorld, writeDemoFile } from './demo-file.ts';
import { publicJwk } from './systems.ts';
import { generateWorld } from './world.ts';

const BASE = 'http://127.0.0.1:8080';
const world = generateWorld({ today: '2026-11-22', patients: 230 });
const directory = mkdtempSync(join(tmpdir(), 'demo-file-'));
after(() => rmSync(directory, { recursive: true }));

test('the file holds what it is documented to hold, and nothing else', () => {
  const file = JSON.parse(JSON.stringify(describeWorld(world, BASE)));
  const keys = (list: object[]) => [...new Set(list.flatMap(Object.keys))].sort();
  assert.deepEqual(Object.keys(file), [
    'baseUrl',
    'organisations',
    'staff',
    'systems',
    'connections',
    'launches',
    'identityProviders',
    'patients',
    'invitations',
    'letters',
  ]);
  assert.equal(file.baseUrl, BASE);
  assert.deepEqual(keys(file.organisations), ['fhirBase', 'name', 'odsCode', 'publicId']);
  assert.deepEqual(keys(file.staff), ['email', 'organisation', 'password', 'role', 'totpSecret']);
  assert.deepEqual(keys(file.systems), [
    'clientId',
    'clientSecret',
    'company',
    'name',
    'privateJwk',
    'scopes',
  ]);
  assert.deepEqual(keys(file.connections), ['clientId', 'organisation', 'scopes', 'status']);
  assert.deepEqual(keys(file.patients), [
    'birthDate',
    'email',
    'family',
    'given',
    'id',
    'nhsNumber',
    'organisations',
    'password',
  ]);
  assert.deepEqual(keys(file.launches), [
    'exampleUrl',
    'fields',
    'iv',
    'key',
    'keyName',
    'organisation',
    'paired',
    'passphrase',
    'patient',
    'practices',
    'profile',
    'unpaired',
    'unpairedUrl',
    'urlPrefix',
  ]);
  assert.deepEqual(keys(file.identityProviders), [
    'clientId',
    'issuer',
    'organisation',
    'people',
    'signInUrl',
  ]);
  assert.deepEqual(keys(file.invitations), ['code', 'expiry', 'patientId', 'token']);
  assert.deepEqual(keys(file.letters), ['identifier', 'organisation', 'patientId', 'read', 'system']);
});

test('every reference in the file leads to something in the file', () => {
  const { organisations, staff, systems, connections, patients } = describeWorld(world, BASE);
  const organisation = new Set(organisations.map(({ publicId }) => publicId));
  const system = new Set(systems.map(({ clientId }) => clientId));
  assert.equal(systems.length, 6);
  for (const one of staff) assert.ok(organisation.has(one.organisation));
  for (const one of connections) assert.ok(organisation.has(one.organisation) && system.has(one.clientId));
  for (const one of patients)
    assert.ok(one.organisations.length > 0 && one.organisations.every((id) => organisation.has(id)));
  for (const one of organisations)
    assert.equal(one.fhirBase, `${BASE}/organisations/${one.publicId}/fhir/R4`);
});

test('the first 200 patients are listed, and whoever has two roles is listed twice', () => {
  const { patients, staff } = describeWorld(world, BASE);
  assert.equal(patients.length, 200);
  const twice = staff.filter(({ email }) => staff.filter((other) => other.email === email).length === 2);
  assert.equal(twice.length, 2);
  assert.notEqual(twice[0]!.organisation, twice[1]!.organisation);
});

test('a private key in the file signs what the registered public key verifies', async () => {
  const { systems } = describeWorld(world, BASE);
  for (const { privateJwk } of systems) {
    if (!privateJwk) continue;
    const { alg, kid } = privateJwk;
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg, kid })
      .sign(await importJWK(privateJwk));
    const kept = publicJwk(privateJwk);
    assert.ok(!('d' in kept) && !('p' in kept));
    await jwtVerify(assertion, await importJWK(kept, alg));
  }
});

test('the file is written whole, for its owner alone, in the place of an older one', async () => {
  const path = join(directory, 'demo.json');
  writeFileSync(path, 'old', { mode: 0o644 });
  await writeDemoFile(path, world, BASE);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal((JSON.parse(readFileSync(path, 'utf8')) as DemoFile).organisations.length, 3);
  assert.deepEqual(readdirSync(directory), ['demo.json']);
});

test('a place that cannot be written is an error that names it, and leaves nothing behind', async () => {
  await assert.rejects(writeDemoFile(join(directory, 'missing', 'demo.json'), world, BASE), {
    code: 'DEMO_FILE',
    message: /^DEMO_FILE cannot be .*missing.*\(ENOENT\): set a file/,
  });
});
