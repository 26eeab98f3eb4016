import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  contentOf,
  type JsonObject,
  LABEL_MARK,
  TIME_MARK,
  VERSION_MARK,
  withoutServerSet,
} from './content.ts';
import { PRIVACY_LABEL_SYSTEM, SOURCE_ORGANISATION_SYSTEM } from './labels.ts';

const set = {
  id: '8af19735-27d0-8e5d-9868-9590c2867c63',
  version: '3',
  at: '2026-01-02T03:04:05.678Z',
  organisationId: '09394400-48f7-8477-bcea-835561ab881c',
  label: 'SOCIAL_CARE',
};
const own = [
  { system: PRIVACY_LABEL_SYSTEM, code: 'SOCIAL_CARE' },
  { system: SOURCE_ORGANISATION_SYSTEM, code: set.organisationId },
];

test('the server sets id, version, time, privacy label and source organisation', () => {
  const stored = JSON.parse(contentOf({ resourceType: 'Basic', code: { text: 'x' } }, set));
  assert.deepEqual(stored, {
    resourceType: 'Basic',
    id: set.id,
    meta: { versionId: '3', lastUpdated: set.at, security: own },
    code: { text: 'x' },
  });
});

test('what a sender claims of these is replaced, and nothing else of meta is', () => {
  const other = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' };
  const resource = {
    resourceType: 'Basic',
    id: 'theirs',
    meta: {
      versionId: '99',
      lastUpdated: '1999-01-01T00:00:00Z',
      profile: ['https://example.org/profile'],
      tag: [{ code: 'a' }],
      security: [
        { system: PRIVACY_LABEL_SYSTEM, code: 'GENERAL_HEALTH' },
        other,
        { system: SOURCE_ORGANISATION_SYSTEM, code: 'somebody else' },
      ],
    },
  };
  assert.deepEqual(JSON.parse(contentOf(resource, set)).meta, {
    versionId: '3',
    lastUpdated: set.at,
    security: [other, ...own],
    profile: ['https://example.org/profile'],
    tag: [{ code: 'a' }],
  });
  assert.deepEqual(withoutServerSet(resource), {
    resourceType: 'Basic',
    meta: { profile: ['https://example.org/profile'], tag: [{ code: 'a' }], security: [other] },
  });
});

test('a mark is never in the text but where the server put it, whatever was sent', () => {
  const marks = { ...set, version: VERSION_MARK, at: TIME_MARK, label: LABEL_MARK };
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' })),
      (sent) => {
        const text = contentOf({ ...sent, resourceType: 'Basic', meta: undefined } as JsonObject, marks);
        for (const mark of [VERSION_MARK, TIME_MARK, LABEL_MARK]) assert.equal(text.split(mark).length, 2);
      },
    ),
  );
});

test('a resource comes back equal but for what the server sets', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (sent) => {
      const {
        id: _id,
        meta: _meta,
        ...rest
      } = JSON.parse(JSON.stringify({ ...sent, resourceType: 'Basic' }));
      const { id: _newId, meta: _newMeta, ...kept } = JSON.parse(contentOf({ ...rest, meta: {} }, set));
      assert.deepEqual(kept, rest);
    }),
  );
});
