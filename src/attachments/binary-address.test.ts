import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binaryAt, ownAddress } from './binary-address.ts';

const HERE = 'https://records.example';
const ID = '0a1b2c3d-1111-8222-8333-444455556666';

test('a Binary is the same at each of our bases, with or without its version', () => {
  for (const url of [
    `Binary/${ID}`,
    `/Binary/${ID}`,
    `/fhir/R4/Binary/${ID}`,
    `/organisations/T1ABC/fhir/R4/Binary/${ID}`,
    `${HERE}/fhir/R4/Binary/${ID}`,
    `${HERE}/organisations/${ID}/fhir/R4/Binary/${ID}`,
    `HTTPS://Records.example:443/organisations/T1ABC/fhir/R4/Binary/${ID}`,
  ]) {
    assert.deepEqual(binaryAt(url, HERE), { id: ID, version: null }, url);
    assert.deepEqual(binaryAt(`${url}/_history/12`, HERE), { id: ID, version: 12 }, url);
    assert.equal(ownAddress(url, HERE), `Binary/${ID}`, url);
  }
});

test('an address of elsewhere is none of ours, however much it looks like one', () => {
  for (const url of [
    `https://elsewhere.example/fhir/R4/Binary/${ID}`,
    `https://records.example.evil/fhir/R4/Binary/${ID}`,
    `https://records.example@evil.example/fhir/R4/Binary/${ID}`,
    `//records.example/fhir/R4/Binary/${ID}`,
    `http://records.example/fhir/R4/Binary/${ID}`,
    `urn:uuid:${ID}`,
    'file:///etc/passwd',
    'https://',
  ]) {
    assert.equal(ownAddress(url, HERE), null, url);
    assert.equal(binaryAt(url, HERE), null, url);
  }
});

test('what is no Binary’s address names none', () => {
  for (const url of [
    '',
    'Binary/',
    'Binary/1',
    `Binary/${ID.toUpperCase()}`,
    `Binary/${ID}/_history/`,
    `Binary/${ID}/_history/0`,
    `Binary/${ID}?_format=json`,
    `Binary/${ID}/more`,
    `x/Binary/${ID}`,
    `../Binary/${ID}`,
    `DocumentReference/${ID}`,
  ]) {
    assert.equal(binaryAt(url, HERE), null, url);
  }
});
