import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { actingOf, roleEnded } from '../acting-of.ts';
import { systemData } from '../pages-data.ts';
import type { Room } from '../routes.ts';
import { connectionOf } from '../store.ts';
import { type ConnectionRoute, connectionParameter, connectionWanted, idWanted } from '../view-routes.ts';
import { countsChart } from './counts-chart.ts';
import { type Group, MEASURES } from './measures.ts';
import { numbersCsv, unreadInWords } from './numbers-csv.ts';
import { isPeriod, PERIODS, type Period } from './periods.ts';
import type { Numbers } from './read-numbers.ts';

const Query = Type.Object({
  period: Type.String({ default: '', maxLength: 100 }),
  unread: Type.String({ default: '', maxLength: 100 }),
});
type NumbersRoute = ConnectionRoute & { Querystring: Static<typeof Query> };

const UNREAD_DAYS = [3, 7, 14, 28, 90];

/** /connected-systems/{id}/numbers: what came of a connection, drawn over time, and the same as CSV. */
export function numbersRoutes(app: FastifyInstance, room: Room): void {
  const options = {
    onRequest: room.signIn.requireStaff,
    schema: { params: connectionParameter, querystring: Query },
  };

  async function wanted(request: FastifyRequest<NumbersRoute>) {
    const acting = actingOf(request);
    const id = idWanted(request.params.connectionId);
    const found = await connectionOf(room.context.database.service, acting.organisationId, id);
    const connection = connectionWanted(found);
    const asked = parse(request.query);
    const numbers = await room.readNumbers(acting, { connectionId: connection.id, ...asked });
    if (!numbers) throw roleEnded();
    return { connection, numbers, ...asked };
  }

  app.get<NumbersRoute>('/connected-systems/:connectionId/numbers', options, async (request, reply) => {
    const { connection, numbers, period, unreadDays } = await wanted(request);
    return room.pages.render(reply, 'connections/numbers.njk', {
      connection: systemData(connection),
      period,
      unreadDays,
      numbers: MEASURES.map(({ key, text }) => ({
        text: key === 'letters-unread' ? unreadInWords(unreadDays) : text,
        ...numbers.counts[key],
      })),
      charts: CHARTS.map((chart) => ({ ...chart, ...drawn(chart, numbers) })),
      periods: Object.entries(PERIODS).map(([value, { text }]) => ({ value, text })),
      unreadChoices: UNREAD_DAYS.map((days) => ({ value: String(days), text: `${days} days` })),
    });
  });

  app.get<NumbersRoute>('/connected-systems/:connectionId/numbers.csv', options, async (request, reply) => {
    const { connection, numbers, unreadDays } = await wanted(request);
    return reply
      .header('content-disposition', `attachment; filename="numbers-${connection.id}.csv"`)
      .type('text/csv; charset=utf-8')
      .send(numbersCsv(numbers, unreadDays));
  });
}

/** An address with a value we do not know shows the page as if it were not there. */
function parse({ period, unread }: Static<typeof Query>): { period: Period; unreadDays: number } {
  return {
    period: isPeriod(period) ? period : 'weeks',
    unreadDays: UNREAD_DAYS.find((days) => String(days) === unread) ?? 14,
  };
}

const CHARTS: { id: string; group: Group; text: string }[] = [
  { id: 'chart-invitations', group: 'invitations', text: 'Invitations' },
  { id: 'chart-letters', group: 'letters', text: 'Letters' },
  { id: 'chart-patients', group: 'patients', text: 'Patients registered' },
  { id: 'chart-calls', group: 'calls', text: 'Calls' },
  { id: 'chart-push', group: 'push', text: 'Notifications' },
];

function drawn({ group, text }: { group: Group; text: string }, { steps, counts }: Numbers) {
  const measures = MEASURES.filter((measure) => measure.group === group);
  const lines = measures.map(({ key, text: name }) => ({ name, counts: counts[key].bySteps }));
  return {
    // More than three lines cannot be told apart; the table has them all.
    chart: countsChart(`${text} over time`, steps, lines.slice(0, 3)),
    head: lines.map(({ name }) => name),
    table: steps.map((step, n) => ({ step, counts: lines.map((line) => line.counts[n]) })).reverse(),
  };
}
