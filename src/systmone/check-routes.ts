import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { actingOf } from './acting.ts';
import { type LaunchConfiguration, profileName, profileOf } from './configuration.ts';
import { configurationByKey } from './configuration-store.ts';
import { encodingsOf, type FieldReport, type Problem } from './profiles/index.ts';
import type { Room } from './room.ts';
import { HOME } from './set-up-routes.ts';

const Form = Type.Object({ link: Type.String({ default: '', maxLength: 10_000 }) });

/** The checker: a link from the real SystmOne, and what can be read of it, field by field. Nothing is kept of it. */
export function checkRoutes(app: FastifyInstance, room: Room): void {
  const { context, pages } = room;
  const onRequest = room.signIn.requireRole(['administrator', 'coordinator'], 'check a SystmOne link');

  app.get(`${HOME}/check`, { onRequest }, (_request, reply) => pages.render(reply, 'systmone/check.njk', {}));

  app.post<{ Body: Static<typeof Form> }>(
    `${HOME}/check`,
    { onRequest, schema: { body: Form } },
    async (request, reply) => {
      const acting = actingOf(request);
      const { link, problem } = readLink(request.body.link);
      if (!link) {
        const errors = [{ field: 'link', text: problem }];
        return pages.render(reply.code(422), 'systmone/check.njk', { errors });
      }
      const found = await configurationByKey(context.database.service, link.keyId);
      // Another organisation's key and one that does not exist are the same answer.
      const configuration = found?.organisationId === acting.organisationId ? found : null;
      const report = configuration && inspect(configuration, link.query);
      await context.audit.record({
        kind: 'page',
        interaction: 'launch-check',
        outcome: configuration ? 'allowed' : 'not-found',
        status: 200,
        ...acting,
        detail: configuration && JSON.stringify({ configuration: configuration.id }),
      });
      return pages.render(reply, 'systmone/check.njk', {
        checked: true,
        configuration,
        ourAddress: link.origin === new URL(context.baseUrl()).origin,
        baseUrl: context.baseUrl(),
        ...report,
      });
    },
  );

  function inspect(configuration: LaunchConfiguration, query: string) {
    const { fields, reports } = profileOf(configuration, context.secrets.encryptionKey).inspect(query);
    const practiceListed = fields && configuration.practices.includes(fields.organisation);
    return {
      profileName: profileName(configuration),
      readable: fields !== null,
      practiceListed,
      reports: reports.map((report) => ({ ...report, words: inWords(report, configuration) })),
    };
  }
}

type Link = { origin: string; keyId: string; query: string };

function readLink(text: string): { link: Link; problem?: never } | { link?: never; problem: string } {
  const trimmed = text.trim();
  if (!trimmed) return { problem: 'Paste the link that SystmOne opened' };
  const url = URL.parse(trimmed);
  const keyId = url && /^\/systmone\/launch\/([\w-]{1,100})\/?$/.exec(url.pathname)?.[1];
  if (!url || !keyId) {
    return { problem: 'This is not a launch link: it should begin with the URL prefix from the set-up page' };
  }
  // As it was pasted: parsing would write some characters differently.
  const cut = trimmed.indexOf('?');
  return { link: { origin: url.origin, keyId, query: cut < 0 ? '' : trimmed.slice(cut + 1) } };
}

function inWords({ problem, sent }: FieldReport, { encoding }: LaunchConfiguration): string {
  if (problem === null) return 'Right';
  if (problem !== 'encoding') return WORDS[problem];
  const looksLike = encodingsOf(sent ?? '').filter((name) => name !== encoding);
  const hint = looksLike.length > 0 ? ` It looks like ${looksLike.join(' or ')}.` : '';
  return `Not written as ${encoding ?? 'hex'}, which this link was set up for.${hint} Is the field ticked as encrypted?`;
}

const WORDS: Record<Problem, string> = {
  missing: 'Not in the link. Add the field in SystmOne',
  'out-of-order': 'Not in its place. Put the fields in the order of the set-up page',
  unexpected: 'Not expected. Remove it',
  'percent-encoding': 'Has characters that are not written as a web address needs them',
  encoding: 'Not in the encoding that this link was set up for',
  length: 'Empty or cut off: encrypted text comes in blocks of 16 bytes',
  padding: 'Could not be decrypted. Are the key and the IV exactly those of this link?',
  shape:
    'Decrypted, but this is not what the field should hold. Is it the right field, and are key and IV those of this link?',
  'check-digit': 'Ten digits, but no NHS number: the check digit is wrong',
  'key-name': 'The key name is not this link’s',
};
