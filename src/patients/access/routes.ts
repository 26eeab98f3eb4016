import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { PoolClient } from 'pg';
import type { Static } from 'typebox';
import { csvLine } from '../../web/index.ts';
import { asPatient } from '../as-patient.ts';
import { patientOf } from '../require-patient.ts';
import type { Room } from '../room.ts';
import { cameOfIt, kindsInWords, whatInWords, whoInWords, whyInWords } from './in-words.ts';
import { knownBy } from './known-by.ts';
import { byOf, EntriesQuery, filterOf, PERIODS, pageOf, Query } from './query.ts';
import {
  type AccessEntry,
  type AccessFilter,
  ENTRIES_A_PAGE,
  entriesAfter,
  GROUPS_A_PAGE,
  listEntries,
  listGroups,
  listOrganisations,
  type Place,
  type Whose,
} from './store.ts';

const ROWS_AT_ONCE = 500;

/** /my/access: who has looked at the record, and who tried to. */
export function accessRoutes(app: FastifyInstance, room: Room): void {
  const { pages, record, context } = room;
  const onRequest = room.requirePatient;
  const pool = context.database.service;

  /** Reads as the patient, who may be named by more than an id. */
  const reading = <Found>(accountId: string, read: (client: PoolClient, whose: Whose) => Promise<Found>) =>
    asPatient(pool, accountId, async (client, patientId) =>
      read(client, { patientId, names: await knownBy(client, patientId, context.secrets) }),
    );

  app.get<{ Querystring: Static<typeof Query> }>(
    '/my/access',
    { onRequest, schema: { querystring: Query } },
    async (request, reply) => {
      const page = pageOf(request.query);
      const filter = filterOf(request.query);
      const found = await reading(patientOf(request).accountId, async (client, whose) => ({
        groups: await listGroups(client, whose, filter, page),
        organisations: await listOrganisations(client, whose),
      }));
      if (!found) return reply.redirect('/my/sign-in', 303);
      const { groups, organisations } = found;
      return pages.render(reply, 'patients/access/list.njk', {
        groups: groups.rows.map((group) => ({
          ...group,
          who: whoInWords(group),
          why: whyInWords(group),
          kinds: kindsInWords(group.acts),
          entries: {
            ...filterQuery(request.query),
            system: group.clientId,
            person: group.accountId,
            for: group.organisationId,
          },
        })),
        total: groups.total,
        page,
        pageSize: GROUPS_A_PAGE,
        pages: Math.ceil(groups.total / GROUPS_A_PAGE),
        filter: request.query,
        isFiltered: filter.text !== '' || filter.organisationId !== null || filter.outcome !== null,
        periods: PERIODS,
        organisations: [
          { value: '', text: 'All organisations' },
          ...organisations.map(({ id, name }) => ({ value: id, text: name })),
        ],
        download: filterQuery(request.query),
      });
    },
  );

  app.get<{ Querystring: Static<typeof EntriesQuery> }>(
    '/my/access/entries',
    { onRequest, schema: { querystring: EntriesQuery } },
    async (request, reply) => {
      const page = pageOf(request.query);
      const entries = await reading(patientOf(request).accountId, (client, whose) =>
        listEntries(client, whose, filterOf(request.query), byOf(request.query), page),
      );
      if (!entries) return reply.redirect('/my/sign-in', 303);
      const [newest] = entries.rows;
      return pages.render(reply, 'patients/access/entries.njk', {
        who: newest && whoInWords({ ...newest, clientId: byOf(request.query).clientId }),
        why: newest && whyInWords(newest),
        organisationName: newest?.organisationName,
        entries: entries.rows.map((entry) => ({
          ...entry,
          what: whatInWords(entry),
          result: cameOfIt(entry),
        })),
        total: entries.total,
        page,
        pageSize: ENTRIES_A_PAGE,
        pages: Math.ceil(entries.total / ENTRIES_A_PAGE),
        backTo: filterQuery(request.query),
      });
    },
  );

  app.get<{ Querystring: Static<typeof Query> }>(
    '/my/access/download',
    { onRequest, schema: { querystring: Query } },
    async (request, reply) => {
      const { accountId, patientId } = patientOf(request);
      await record(request, { action: 'my-access', outcome: 'allowed', status: 200, accountId, patientId });
      return reply
        .header('content-disposition', 'attachment; filename="Who has looked at my record.csv"')
        .type('text/csv; charset=utf-8')
        .send(Readable.from(lines(accountId, filterOf(request.query))));
    },
  );

  /** A few hundred rows in memory at a time, each in a short transaction of its own. */
  async function* lines(accountId: string, filter: AccessFilter) {
    yield csvLine(['When', 'Who', 'For whom', 'What', 'What came of it', 'Why', 'Reference']);
    for (let place: Place | null = null, rows: DownloadRow[]; ; ) {
      const from: Place | null = place;
      rows =
        (await reading(accountId, (client, whose) =>
          entriesAfter(client, whose, filter, from, ROWS_AT_ONCE),
        )) ?? [];
      yield rows.map(lineOf).join('');
      if (rows.length < ROWS_AT_ONCE) return;
      place = rows.at(-1)!.place;
    }
  }
}

type DownloadRow = AccessEntry & { place: Place };

const lineOf = (row: DownloadRow) =>
  csvLine([
    row.at.toISOString(),
    whoInWords(row),
    row.organisationName,
    whatInWords(row),
    cameOfIt(row),
    whyInWords(row),
    row.requestId,
  ]);

/** The filter without the page, for links that keep it. */
const filterQuery = ({ period, organisation, show, search }: Static<typeof Query>) => ({
  period,
  organisation,
  show,
  search,
});
