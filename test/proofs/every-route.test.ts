import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rowBuilder } from '../../src/fhir/store/row.ts';
import { newRootId } from '../../src/ids.ts';
import { type Service, startService } from '../isolation/service.ts';
import { makers } from '../support/world.ts';

/** What anybody may read. Everything else needs a token, or, at the token endpoints, a system's credentials. */
const PUBLIC =
  /^(\/\.well-known\/oauth-authorization-server|.*\/fhir\/R4\/(metadata|\.well-known\/smart-configuration))$/;
/** Read by whoever sets up a client, without a word about anybody: the only answers without an audit record. */
const UNRECORDED = '/.well-known/oauth-authorization-server';

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'QUERY';
type Made = Awaited<ReturnType<typeof makeWorld>>;

let service: Service;
let world: Made;
before(async () => {
  service = await startService();
  world = await makeWorld();
});
after(() => service.stop());

async function makeWorld() {
  const make = makers(service.owner, rowBuilder(service.definitions));
  const [here, there] = [await make.organisation(), await make.organisation()];
  const patient = await make.patient(here);
  const { id } = await make.observation(here, patient);
  const { token: foreign } = await make.access(there);
  const { token: own, system } = await make.access(here);
  const bound = await make.token(system, { organisation: there });
  return { make, here, there, patient, id, foreign, own, bound };
}

/** Every method and address of the two rooms: those of the route table, its wildcards filled in all sorts of ways. */
function everyRequest(organisation: string) {
  const { id } = world;
  const below = [
    ...['Observation', `Observation/${id}`, `Observation/${id}/_history`, `Observation/${id}/_history/1`],
    ...[
      'Observation/_search',
      'Patient',
      `Patient/${world.patient.id}`,
      'Patient/$match',
      '$export',
      '_history',
    ],
    ...[
      'Nothing',
      'observation',
      `Observation/${id}/Patient`,
      `Observation//${id}`,
      'metadata',
      'metadata/more',
    ],
    ...['.well-known/smart-configuration', '%00', '%ff', `Observation/%00`, `Observation/${id}%00`],
  ];
  return service.routes.flatMap(({ method, url }) => {
    const named = url.replace(':organisation', organisation);
    const urls = named.endsWith('/*') ? below.map((rest) => named.slice(0, -1) + rest) : [named];
    return [method].flat().flatMap((one) => urls.map((address) => ({ method: one as Method, url: address })));
  });
}

const isOpen = ({ method, url }: { method: string; url: string }) =>
  PUBLIC.test(url) && (method === 'GET' || method === 'HEAD');
const isFhir = (url: string) => url.includes('/fhir/R4');

test('the route table holds both rooms', () => {
  const urls = new Set(service.routes.map(({ url }) => url));
  for (const url of [
    '/oauth/token',
    '/oauth/introspect',
    '/oauth/revoke',
    '/fhir/R4/*',
    '/organisations/:organisation/fhir/R4/*',
  ]) {
    assert.ok(urls.has(url), url);
  }
});

test('each route of the two rooms, by each method, refuses who shows nothing, and records it once', async (t) => {
  const requests = everyRequest(world.here.id);
  t.diagnostic(`${requests.length} requests`);
  await recordedOnceEach(requests, async (request) => {
    const form = request.method === 'POST' && !isFhir(request.url) ? FORM : undefined;
    const headers = { 'x-org-public-id': world.here.id, ...form?.headers };
    const { statusCode } = await service.send({ ...request, ...form, headers });
    assert.ok(refusalsOf(request).includes(statusCode), `${request.method} ${request.url} ${statusCode}`);
  });
});

/** A request for a token that is right but for who asks. */
const FORM = {
  payload: 'grant_type=client_credentials&scope=system/Patient.rs&token=x',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
};

function refusalsOf({ method, url }: { method: Method; url: string }): number[] {
  if (isOpen({ method, url })) return [200];
  if (PUBLIC.test(url)) return [401, 404, 405];
  if (isFhir(url) || method === 'POST') return [401];
  // Without a type, the body of a QUERY says nothing, and that is known before the route is.
  return method === 'QUERY' ? [400, 405] : [405];
}

test('each FHIR route refuses the tokens of other organisations, tells nothing, and records it once', async () => {
  const requests = everyRequest(world.here.id).filter((request) => isFhir(request.url) && !isOpen(request));
  for (const [token, code] of [
    [world.foreign, 'connection-none'],
    [world.bound, 'organisation-mismatch'],
  ] as const) {
    const texts = new Set<string>();
    await recordedOnceEach(requests, async (request) => {
      const headers = { authorization: `Bearer ${token}`, 'x-org-public-id': world.here.id };
      const { statusCode, body } = await service.send({ ...request, headers });
      if (PUBLIC.test(request.url)) return;
      assert.ok(statusCode === 403, `${request.method} ${request.url} ${statusCode} ${body}`);
      if (request.method === 'HEAD') return;
      assert.equal(JSON.parse(body).issue[0].details.coding[0].code, code);
      texts.add(anonymous(body));
    });
    assert.equal(texts.size, 1, 'whatever is asked, the answer is one');
  }
});

test('an organisation that does not exist and one that gave no access are one and the same', async () => {
  const { here, id, foreign } = world;
  const noOrganisations = [
    newRootId(),
    newRootId().toUpperCase(),
    'ZZZ999',
    'x',
    '-',
    '%20',
    `${here.id}%20`,
  ];
  const noAddresses = [
    '%00',
    '%2e%2e',
    '..%2f..',
    `${here.odsCode}%00`,
    'Z%E2%84%AA9',
    '%EF%BC%A1BC1',
    '{}',
    '*',
  ];
  const answers = new Set<string>();
  for (const named of [
    here.id,
    here.odsCode,
    here.odsCode.toLowerCase(),
    ...noOrganisations,
    ...noAddresses,
  ]) {
    const path = `/organisations/${named}/fhir/R4/Observation/${id}`;
    const headers = ['authorization', `Bearer ${foreign}`];
    const { statusCode, body } = await service.sendRaw({ method: 'GET', path, headers });
    answers.add(`${statusCode} ${anonymous(body)}`);
  }
  assert.equal(answers.size, 1, [...answers].join('\n'));
  assert.match([...answers][0]!, /^403 .*connection-none/);
});

const anonymous = (body: string) => body.replace(/Reference [0-9a-f-]{36}/, '');

async function recordedOnceEach<T extends { url: string }>(
  requests: T[],
  act: (request: T) => Promise<void>,
) {
  for (let start = 0; start < requests.length; start += 16) {
    const some = requests.slice(start, start + 16);
    const before = await service.auditRecords();
    await Promise.all(some.map(act));
    const wanted = some.filter(({ url }) => url !== UNRECORDED).length;
    const made = (await service.auditRecords()) - before;
    assert.equal(made, wanted, `${made} records for ${some.map((one) => JSON.stringify(one)).join('\n')}`);
  }
}
