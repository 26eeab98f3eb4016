import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

/**
 * What the operations are measured against: `node:http`, a pool of ten, one prepared statement for a whole list, the
 * answer put together in plain JavaScript. No token, no decision, no checks, no audit.
 */
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const organisationId = process.env.ORGANISATION_ID!;

const STATUS = `
select k.n, p.joined_at is not null as registered, p.deceased, p.birth_date::text
  from unnest($1::text[], $2::text[]) with ordinality k(system, value, n)
  join patient_identifier i on i.system = k.system and i.value = k.value
  join registration g on g.route = i.route and g.patient_id = i.patient_id and g.organisation_id = $3
  join patient p on p.route = i.route and p.id = i.patient_id`;
const LAST = `
select k.n, l.at
  from unnest($1::text[], $2::text[]) with ordinality k(system, value, n)
  join patient_identifier i on i.system = k.system and i.value = k.value
  join registration g on g.route = i.route and g.patient_id = i.patient_id and g.organisation_id = $3
  join lateral (select max(r.updated_at) as at from resource r
                 where r.route = i.route and r.patient_id = i.patient_id and r.type <> 'Patient') l on true`;
const RECEIPTS = `
select k.n, l.first_read_at
  from unnest($1::text[], $2::text[]) with ordinality k(system, value, n)
  join letter_identifier w on w.organisation_id = $3 and w.value = k.value and w.system = k.system
  join letter l on l.route = w.route and l.id = w.letter_id`;

type Identifier = { system: string; value: string };
type Row = { n: number; [column: string]: unknown };

const STATEMENTS: Record<string, [sql: string, partsOf: (row: Row | undefined) => object[]]> = {
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

const server = createServer(async (request, response) => {
  const name = request.url!.split('/').at(-1)!;
  const [sql, partsOf] = STATEMENTS[name]!;
  const sent = JSON.parse(await bodyOf(request)).parameter as { valueIdentifier: Identifier }[];
  const systems = sent.map(({ valueIdentifier }) => valueIdentifier.system);
  const values = sent.map(({ valueIdentifier }) => valueIdentifier.value);
  const { rows } = await pool.query<Row>({ name, text: sql, values: [systems, values, organisationId] });
  const found = new Map(rows.map((row) => [Number(row.n), row]));
  const parameter = sent.map(({ valueIdentifier }, at) => ({
    name: 'result',
    part: [{ name: 'identifier', valueIdentifier }, ...partsOf(found.get(at + 1))],
  }));
  const body = JSON.stringify({ resourceType: 'Parameters', parameter });
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
