import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEmailAddress } from '../mail/index.ts';
import { patientsExtra } from './patients-extra.ts';
import { generateWorld } from './world.ts';

const world = generateWorld({ today: '2026-11-22', patients: 80 });
const patients = [...world.patients()];
const { accounts, invitations, letters } = patientsExtra(world, patients);

test('twelve adults have joined, twelve can, and one is too late', () => {
  assert.equal(accounts.size, 12);
  assert.equal(invitations.length, 13);
  assert.equal(invitations.filter(({ expiresAt }) => expiresAt > '2026-11-22T23:59').length, 12);
  for (const id of [...accounts.keys(), ...invitations.map(({ patientId }) => patientId)]) {
    const patient = patients.find((one) => one.id === id)!;
    assert.ok(!patient.deceased && patient.birthDate < '2010-01-01');
  }
  assert.equal(new Set([...accounts.keys(), ...invitations.map(({ patientId }) => patientId)]).size, 25);
});

test('addresses can be written to and are nobody else’s', () => {
  const emails = [...accounts.values()].map(({ email }) => email);
  assert.ok(emails.every((email) => isEmailAddress(email) && email.endsWith('@example.org')));
  assert.equal(new Set(emails).size, emails.length);
});

test('accounts, codes and letters are the same every time, however many patients are looked at', () => {
  const again = patientsExtra(world, patients.slice(0, 60));
  assert.deepEqual([again.accounts, again.invitations], [accounts, invitations]);
  assert.deepEqual(letters.slice(0, again.letters.length), again.letters);
});

test('who has joined has one unread letter at most, and nobody else has read any', () => {
  for (const patient of patients) {
    const own = letters.filter(({ patientId }) => patientId === patient.id);
    const unread = own.filter(({ readAt }) => readAt === null).length;
    assert.equal(unread, accounts.has(patient.id) ? Math.min(1, own.length) : own.length);
  }
});

test('a letter was read after it was sent, after its patient had joined, and before today', () => {
  const sent = new Map(
    patients.flatMap(({ resources }) => resources.map(({ id, recordedAt }) => [id, recordedAt])),
  );
  const read = letters.filter(({ readAt }) => readAt !== null);
  assert.ok(read.length > 5);
  for (const { id, patientId, readAt } of read) {
    for (const before of [sent.get(id)!, accounts.get(patientId)!.joinedAt])
      assert.ok(Date.parse(readAt!) >= Date.parse(before), id);
    assert.ok(readAt! <= new Date(world.today).toISOString());
  }
});
