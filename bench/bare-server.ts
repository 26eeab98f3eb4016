import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { NHS_NUMBER_SYSTEM } from '../src/demo/nhs-number.ts';
import { bareEntry } from '../src/fhir/search-index/entries.ts';
import { newResourceId, routeOf } from '../src/ids.ts';
import { SYSTEM } from './bench-system.ts';

/**
 * The limit that the product is measured against: `node:http` and `pg`, a pool of ten, one prepared statement for each
 * request, stored JSON passed through. No token, no decision, no purview, no validation, no history, no audit.
 */
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const organisationId = process.env.ORGANISATION_ID!;

const READ = 'select content from resource where route = $1 and id = $2';
const IDENTIFIER = `select content from resource where identifiers && array[$1] and type = 'Patient' limit 20`;
const OBSERVATIONS = `
select content from resource
 where route = $1 and patient_id = $2 and type = 'Observation' and sort_from >= $3 and tokens @> array[$4]
 order by sort_from desc limit 20`;
const CREATE = `
insert into resource (route, id, type, patient_id, organisation_id, label, version, updated_at, sort_from, sort_to,
                      tokens, content)
values ($1, $2, 'Observation', $3, $4, 0, 1, now(), $5, $5, $6, $7)`;
const TOKEN = `
insert into access_token (token_hash, client_id, scopes, permissions, issued_at, expires_at)
values ($1, $2, $3, '{}', now(), now() + interval '5 minutes')`;

type Answer = { status: number; body: string };
type Route = (parts: string[], request: IncomingMessage) => Promise<Answer>;

const ROUTES: Record<string, Route> = {
  async read([id = '']) {
    const { rows } = await pool.query({ name: 'read', text: READ, values: [routeOf(id), id] });
    return rows[0] ? { status: 200, body: rows[0].content } : { status: 404, body: '{}' };
  },
  async identifier([value]) {
    const values = [`identifier=${NHS_NUMBER_SYSTEM}|${value}`];
    const { rows } = await pool.query({ name: 'identifier', text: IDENTIFIER, values });
    return { status: 200, body: listOf(rows) };
  },
  async observations([id = '', category = '', since]) {
    const values = [routeOf(id), id, since, bareEntry('category', category)];
    const { rows } = await pool.query({ name: 'observations', text: OBSERVATIONS, values });
    return { status: 200, body: listOf(rows) };
  },
  async create([patientId = ''], request) {
    const text = await bodyOf(request);
    const resource = JSON.parse(text);
    const id = newResourceId(patientId);
    const category = bareEntry('category', resource.category[0].coding[0].code);
    const tokens = [`patient=Patient/${patientId}`, category];
    const content = JSON.stringify({ ...resource, id });
    const values = [routeOf(id), id, patientId, organisationId, resource.effectiveDateTime, tokens, content];
    await pool.query({ name: 'create', text: CREATE, values });
    return { status: 201, body: content };
  },
  async token() {
    const token = randomBytes(32).toString('base64url');
    const values = [createHash('sha256').update(token).digest(), SYSTEM.clientId, SYSTEM.scopes];
    await pool.query({ name: 'token', text: TOKEN, values });
    return {
      status: 200,
      body: JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 300 }),
    };
  },
};

const server = createServer(async (request, response) => {
  const [, name = '', ...parts] = request.url!.split('/');
  const { status, body } = await ROUTES[name]!(parts, request);
  response.writeHead(status, {
    'content-type': 'application/fhir+json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

const listOf = (rows: { content: string }[]) =>
  `{"resourceType":"Bundle","type":"searchset","entry":[${rows.map(({ content }) => `{"resource":${content}}`).join(',')}]}`;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
