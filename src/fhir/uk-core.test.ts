import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { createWorld, type World } from '../../test/support/world.ts';

/*
 * The UK Core examples are stored through the API and must come back equal but for what the server sets. Their ids and
 * references to each other are adapted: the patients come first, and each is named by the id that the server gave.
 */

const DIRECTORY = new URL('../../../shared/data/uk-core/', import.meta.url);

// biome-ignore lint/suspicious/noExplicitAny: examples of any type.
type Resource = any;

const examples = readdirSync(DIRECTORY)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, text: readFileSync(new URL(name, DIRECTORY), 'utf8') }));

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.stop());

test('the UK Core examples come back equal but for what the server sets', async () => {
  assert.equal(examples.length, 74);
  const organisation = await world.organisation();
  const { token } = await world.access(organisation);
  const send = async (resource: Resource) => {
    const answer = await world.fhir(organisation, token, `/${resource.resourceType}`, {
      method: 'POST',
      body: resource,
    });
    assert.ok([200, 201].includes(answer.status), `${resource.id}: ${answer.text}`);
    return answer.json;
  };

  const patients = new Map<string, string>();
  const named = new Set(
    examples.flatMap(({ text }) => [...text.matchAll(/"Patient\/([^"/]+)"/g)].map((match) => match[1]!)),
  );
  const all: Resource[] = examples.map(({ text }) => JSON.parse(text));
  for (const patient of all.filter(({ resourceType }) => resourceType === 'Patient')) {
    // Some share the made-up NHS number; each is to be a patient of its own here.
    const identifier = patient.identifier?.filter(({ system }: Resource) => !system.endsWith('/nhs-number'));
    const { id: _id, ...rest } = patient;
    const sent = { ...rest, ...(identifier?.length && { identifier }) };
    if (!identifier?.length) delete sent.identifier;
    const stored = await send(sent);
    patients.set(patient.id, stored.id);
    assertSame(stored, sent);
  }
  for (const id of named)
    if (!patients.has(id)) patients.set(id, (await send({ resourceType: 'Patient' })).id);

  for (const example of all.filter(({ resourceType }) => resourceType !== 'Patient')) {
    const { id: _id, ...resource } = JSON.parse(
      JSON.stringify(example).replaceAll(/"Patient\/([^"/]+)"/g, (_, id) => `"Patient/${patients.get(id)}"`),
    );
    const stored = await send(resource);
    assertSame(stored, resource);
    const { json } = await world.fhir(organisation, token, `/${resource.resourceType}/${stored.id}`);
    assert.deepEqual(json, stored);
    const found = await world.fhir(organisation, token, `/${resource.resourceType}?_id=${stored.id}`);
    assert.deepEqual(found.json.entry[0].resource, stored);
  }
});

function assertSame(stored: Resource, sent: Resource) {
  const { id: _id, meta, ...rest } = stored;
  const { id: _sentId, meta: sentMeta, ...sentRest } = sent;
  assert.deepEqual(rest, sentRest);
  const { versionId: _version, lastUpdated: _at, security, ...kept } = meta;
  const { versionId: _v, lastUpdated: _l, security: sentSecurity = [], ...sentKept } = sentMeta ?? {};
  assert.deepEqual(kept, sentKept);
  assert.deepEqual(security.slice(0, -2), sentSecurity);
}
