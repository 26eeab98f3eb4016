import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OPERATIONS } from '../../oauth/scopes.ts';
import { validateResource } from '../validation/validate-resource.ts';
import { type OperationsWorld, operationsWorld } from './fixture.ts';

/** What opens a record in another system's browser is no operation on data. */
const OURS = OPERATIONS.filter((name) => !name.endsWith('$launch'));

const isOurs = ({ definition }: { definition: string }) => definition.includes('/fhir/R4/');

let w: OperationsWorld;

before(async () => {
  w = await operationsWorld();
});
after(() => w.world.stop());

test('every operation that there is a scope for is in the metadata, with a valid definition that anybody can read', async () => {
  const { json } = await w.world.fhir(w.here, null, '/metadata');
  const named: string[] = [];
  for (const { type, operation = [] } of json.rest[0].resource) {
    // Those that the backport defines are defined there.
    for (const { name, definition } of operation.filter(isOurs)) {
      named.push(`${type}.$${name}`);
      const read = await w.world.app.inject({ url: new URL(definition).pathname });
      assert.equal(read.statusCode, 200);
      const defined = read.json();
      assert.deepEqual([defined.url, defined.code, defined.resource], [definition, name, [type]]);
      assert.deepEqual(validateResource(w.world.definitions, defined, 'OperationDefinition'), []);
    }
  }
  assert.deepEqual(named.sort(), [...OURS, 'Subscription.$redeliver'].sort());
  assert.deepEqual(validateResource(w.world.definitions, json, 'CapabilityStatement'), []);
});

test('each of them is there: none is answered as an unknown address', async () => {
  for (const name of OURS) {
    const path = `/${name.replace('.', '/')}`;
    const answer = await w.world.fhir(w.here, w.token, path, { method: 'POST', body: {} });
    assert.equal(answer.status < 500 && answer.status !== 404, true, `${path} ${answer.text}`);
  }
  assert.equal((await w.world.fhir(w.here, null, '/OperationDefinition/other')).status, 401);
});
