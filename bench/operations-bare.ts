import { hash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { newRootId } from '../src/ids.ts';
import { INVITE, LAST, RECEIPTS, REGISTER, STATUS } from './operations-statements.ts';

/**
 * What the operations are measured against: `node:http`, a pool of ten, one prepared statement for a whole list, the
 * answer put together in plain JavaScript. No token, no decision, no checks, no audit.
 */
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const organisationId = process.env.ORGANISATION_ID!;

type Identifier = { system: string; value: string };
type Row = { n: number; [column: string]: unknown };
type PartsOf = (row: Row | undefined, at: number) => object[];

const LISTS: Record<string, [sql: string, partsOf: PartsOf]> = {
  '$status-query': [
    STATUS,
    (row) =>
      row
        ? [
            { name: 'registered', valueBoolean: row.registered },
            { name: 'deceased', valueBoolean: row.deceased },
            { name: 'dateOfBirth', valueDate: row.birth_date },
          ]
        : [{ name: 'diagnostics', valueString: 'Not found' }],
  ],
  '$date-of-last-data-point': [
    LAST,
    (row) => (row ? [{ name: 'lastRecordUpdate', valueDateTime: row.at }] : []),
  ],
  '$read-receipt-query': [
    RECEIPTS,
    (row) => (row ? [{ name: 'read', valueBoolean: row.first_read_at !== null }] : []),
  ],
};

async function list(name: string, text: string): Promise<string> {
  const [sql, partsOf] = LISTS[name]!;
  const { sent, systems, values } = identifiersOf(text);
  const { rows } = await pool.query<Row>({ name, text: sql, values: [systems, values, organisationId] });
  return answerOf(sent, rows, partsOf);
}

async function invite(name: string, text: string): Promise<string> {
  const { sent, systems, values } = identifiersOf(text);
  const pairs = sent.map(() => [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')] as const);
  const [codes, tokens] = ([0, 1] as const).map((n) =>
    pairs.map((pair) => hash('sha256', pair[n], 'buffer')),
  );
  const { rows } = await pool.query<Row>({
    name,
    text: INVITE,
    values: [systems, values, organisationId, codes, tokens],
  });
  return answerOf(sent, rows, (row, at) =>
    row
      ? [
          { name: 'code', valueString: pairs[at]![0] },
          { name: 'token', valueString: pairs[at]![1] },
        ]
      : [{ name: 'diagnostics', valueString: 'Not invited' }],
  );
}

async function register(name: string, text: string): Promise<string> {
  const patients = text.split('\n').map((line) => ({ ...JSON.parse(line), id: newRootId() }));
  const values = [
    patients.map(({ id }) => id),
    patients.map(({ identifier }) => identifier[0].value),
    patients.map(({ birthDate }) => birthDate),
    patients.map((patient) => JSON.stringify(patient)),
    organisationId,
  ];
  await pool.query({ name, text: REGISTER, values });
  const parameter = patients.map(({ id }) => ({
    name: 'patient',
    valueReference: { reference: `Patient/${id}` },
  }));
  return JSON.stringify({ resourceType: 'Parameters', parameter });
}

function identifiersOf(text: string) {
  const parameter = JSON.parse(text).parameter as { valueIdentifier: Identifier }[];
  const sent = parameter.map(({ valueIdentifier }) => valueIdentifier);
  return { sent, systems: sent.map(({ system }) => system), values: sent.map(({ value }) => value) };
}

function answerOf(sent: readonly Identifier[], rows: readonly Row[], partsOf: PartsOf): string {
  const found = new Map(rows.map((row) => [Number(row.n), row]));
  const parameter = sent.map((valueIdentifier, at) => ({
    name: 'result',
    part: [{ name: 'identifier', valueIdentifier }, ...partsOf(found.get(at + 1), at)],
  }));
  return JSON.stringify({ resourceType: 'Parameters', parameter });
}

const CHANGES: Record<string, typeof list> = {
  '$generate-invitation-tokens': invite,
  '$process-message': register,
  $register: register,
};

const server = createServer(async (request, response) => {
  const name = request.url!.split('/').at(-1)!;
  const body = await (CHANGES[name] ?? list)(name, await bodyOf(request));
  response.writeHead(200, {
    'content-type': 'application/fhir+json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.on('SIGTERM', () => process.exit(0));

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) text += chunk;
  return text;
}
