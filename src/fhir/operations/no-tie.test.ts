import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { observationOf } from '../../../test/support/world.ts';
import { newRootId } from '../../ids.ts';
import { NHS, nationalNumber, OPERATION_SCOPES, type OperationsWorld, operationsWorld } from './fixture.ts';

/*
 * The promise: no sequence of calls tells a patient with no tie to the caller's organisation from one who does not exist.
 * Two subjects are named in random sequences of calls: a stranger with a full life at another organisation, and nobody.
 * Every answer about the one is to be, letter for letter, that about the other.
 *
 * What registers by national number is not in the sequences, for it cannot keep this promise: "one record for each
 * national number" means that whoever registers a known number is linked or refused, and not given a second record. It
 * takes the right date of birth and leaves the patient tied, and visible to the patient in the access log; ten wrong
 * dates end it. The last test holds it to telling no more than that.
 */

let w: OperationsWorld;
before(async () => {
  w = await operationsWorld();
});
after(() => w.world.stop());

type Subject = { number: string; id: string; letter: string };

/** A patient of the other organisation: joined, invited, with a letter that was read. */
async function stranger(): Promise<Subject> {
  const { id, number } = await w.patient(w.there);
  const letter = `letter-${number}`;
  await w.sql('update patient set joined_at = now(), deceased = true where id = $1', id);
  await w.world.stored(w.there, observationOf({ id }), { patientId: id });
  const document = await w.world.stored(
    w.there,
    {
      resourceType: 'DocumentReference',
      status: 'current',
      subject: { reference: `Patient/${id}` },
      masterIdentifier: { value: letter },
      content: [{ attachment: { title: 'Letter' } }],
    },
    { patientId: id },
  );
  await w.sql('update letter set first_read_at = now() where id = $1', document.id);
  await w.sql(
    `insert into invitation (route, id, patient_id, organisation_id, code_hash, token_hash, expires_at)
     values (fhir_route($1), $1, $1, $2, sha256($3::bytea), sha256($3::bytea), now() + interval '1 day')`,
    ...[id, w.there.id, number],
  );
  return { id, number, letter };
}

function nobody(): Subject {
  const number = nationalNumber();
  return { number, id: newRootId(), letter: `letter-${number}` };
}

const identifier = (name: string, value: string, system: string | undefined = NHS) => ({
  name,
  valueIdentifier: system ? { system, value } : { value },
});

type Step = {
  name: string;
  ask: (
    subject: Subject,
    at: number,
  ) => readonly [path: string, body?: unknown, headers?: Record<string, string>, method?: 'DELETE'];
};

const parameters = (...parameter: object[]) => ({ resourceType: 'Parameters', parameter });
const mixed = (subject: Subject, at: number, own: string) =>
  Array.from({ length: 3 }, (_, n) => identifier('patientIdentifier', n === at % 3 ? subject.number : own));

const steps = (own: string): Step[] => [
  {
    name: 'status',
    ask: ({ number }) => ['Patient/$status-query', parameters(identifier('patientIdentifier', number))],
  },
  {
    name: 'status among others',
    ask: (subject, at) => ['Patient/$status-query', parameters(...mixed(subject, at, own))],
  },
  {
    name: 'last data',
    ask: ({ number }) => [
      'Patient/$date-of-last-data-point',
      parameters(identifier('patientIdentifier', number)),
    ],
  },
  {
    name: 'invite',
    ask: ({ number }, at) => [
      'Organization/$generate-invitation-tokens',
      parameters(identifier('patientIdentifier', number), { name: 'revokeOlder', valueBoolean: true }),
      at % 2 ? { 'idempotency-key': `key-${number}` } : undefined,
    ],
  },
  {
    name: 'receipt',
    ask: ({ letter }) => [
      'DocumentReference/$read-receipt-query',
      parameters(identifier('documentIdentifier', letter, undefined)),
    ],
  },
  { name: 'search', ask: ({ number }) => [`Patient?identifier=${NHS}|${number}&_total=accurate`] },
  { name: 'search of data', ask: ({ id }) => [`Observation?patient=${id}&_total=accurate`] },
  { name: 'read', ask: ({ id }) => [`Patient/${id}`] },
  { name: 'history', ask: ({ id }) => [`Patient/${id}/_history`] },
  { name: 'write', ask: ({ id }) => ['Observation', observationOf({ id })] },
  { name: 'delete', ask: ({ id }) => [`Patient/${id}`, undefined, {}, 'DELETE'] },
];

test('no sequence of calls tells a patient of another organisation from one who does not exist', async () => {
  const own = await w.patient();
  const scopes = [...OPERATION_SCOPES, 'system/*.cruds'];
  const systems = [
    (await w.world.access(w.here, { scopes })).token,
    (await w.world.access(w.here, { scopes, teams: [w.here.teamId] })).token,
    (await w.world.access(w.here, { scopes, labels: 2 })).token,
  ];
  const all = steps(own.number);
  const step = fc.record({ what: fc.nat(all.length - 1), who: fc.nat(systems.length - 1), at: fc.nat(5) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (sequence) => {
      const subjects = [await stranger(), nobody()];
      for (const { what, who, at } of sequence) {
        const answers = [];
        for (const subject of subjects) {
          const [path, body, headers, method] = all[what]!.ask(subject, at);
          const answer = await w.world.fhir(w.here, systems[who]!, `/${path.replaceAll('|', '%7C')}`, {
            method: method ?? (body === undefined ? 'GET' : 'POST'),
            body,
            headers,
          });
          answers.push(plain(answer, subject));
        }
        assert.deepEqual(answers[0], answers[1], all[what]!.name);
      }
    }),
    { numRuns: 40 },
  );
});

/** An answer without what names its subject, and what is new with every answer. */
function plain(
  answer: { status: number; text: string; headers: Record<string, unknown> },
  { number, id, letter }: Subject,
) {
  const text = answer.text
    .replaceAll(letter, 'LETTER')
    .replaceAll(number, 'NUMBER')
    .replaceAll(id, 'ID')
    .replaceAll(/Reference [0-9a-f]{16}/g, 'Reference R')
    .replaceAll(/_cursor=[\w-]+/g, '_cursor=C')
    .replaceAll(/"(token|code)","valueString":"[A-Z0-9]{10}"/g, '"$1"')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'T');
  const { date: _date, 'x-request-id': _id, 'content-length': _length, ...headers } = answer.headers;
  return { status: answer.status, text, headers };
}

test('they take the same steps in the database: the same rows are looked at for the one and for the other', async () => {
  const plan = async (number: string) => {
    const { rows } = await w.world.db.database.owner.query(
      `explain (analyze, costs off, timing off, summary off, buffers off)
         select i.patient_id from registration_identifier i
          where i.organisation_id = '${w.here.id}' and i.value = '${number}' and i.system = '${NHS}'`,
    );
    return rows.map((row) => row['QUERY PLAN'].replaceAll(number, 'NUMBER')).join('\n');
  };
  assert.equal(await plan((await stranger()).number), await plan(nationalNumber()));
});

test('registering tells that a number is known only against its date of birth, and not for long', async () => {
  const subject = await stranger();
  const patient = (birthDate: string) => ({
    resourceType: 'Patient',
    identifier: [{ system: NHS, value: subject.number }],
    name: [{ family: 'Guess', given: ['A'] }],
    gender: 'other',
    birthDate,
  });
  const send = (birthDate: string) =>
    w.world.fhir(w.here, w.token, '/Patient/$process-message', { method: 'POST', body: patient(birthDate) });
  for (let day = 10; day < 20; day++) {
    const refused = await send(`1950-01-${day}`);
    assert.equal(refused.code, 'birth-date-mismatch');
    assert.ok(!refused.text.includes(subject.id) && !refused.text.includes('1980'));
  }
  assert.equal((await send('1980-02-03')).code, 'birth-date-mismatch');
  const status = await w.ask('Patient/$status-query', [subject.number]);
  assert.match(status.text, /"outcome","valueCode":"not-found"/);
});
