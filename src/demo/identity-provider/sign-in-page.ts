import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type Provider from 'oidc-provider';
import { type Static, Type } from 'typebox';
import { PageError, type Pages } from '../../web/index.ts';
import type { DemoOrganisation } from '../organisations.ts';
import type { DemoIdentity } from './people.ts';

type Needs = { provider: () => Provider; organisation: DemoOrganisation; people: DemoIdentity[] };
type Page = { Params: { uid: string } };

const Form = Type.Object({
  person: Type.String({ default: '', maxLength: 100 }),
  act: Type.Union([Type.Literal('both'), Type.Literal('password'), Type.Literal('cancel')], {
    default: 'cancel',
  }),
});

/** The page on which somebody says who they are at the demo organisation: no password, for all would be public. */
export function signInPage(
  scope: FastifyInstance,
  pages: Pages,
  { provider, organisation, people }: Needs,
): void {
  const path = '/demo/organisation-sign-in/:uid';

  scope.get<Page>(path, async (request, reply) => {
    await underWay(request, reply);
    return pages.render(reply, 'demo/organisation-sign-in.njk', { organisation: organisation.name, people });
  });

  scope.post<Page & { Body: Static<typeof Form> }>(
    path,
    { schema: { body: Form } },
    async (request, reply) => {
      await underWay(request, reply);
      const { act } = request.body;
      const person = people.find(({ subject }) => subject === request.body.person);
      if (act !== 'cancel' && !person) {
        const errors = [{ field: 'person', text: 'Choose who you are' }];
        const data = { organisation: organisation.name, people, errors };
        return pages.render(reply.code(422), 'demo/organisation-sign-in.njk', data);
      }
      const result =
        act === 'cancel'
          ? { error: 'access_denied' }
          : {
              login: {
                accountId: person!.subject,
                amr: act === 'both' ? ['pwd', 'otp', 'mfa'] : ['pwd'],
                remember: false,
              },
            };
      const { raw } = request;
      const options = { mergeWithLastSubmission: false };
      return reply.redirect(await provider().interactionResult(raw, reply.raw, result, options), 303);
    },
  );

  /** @throws the page that says so when there is no such sign-in in this browser. */
  async function underWay({ raw, params }: FastifyRequest<Page>, reply: FastifyReply) {
    const details = await provider()
      .interactionDetails(raw, reply.raw)
      .catch(() => null);
    if (details?.uid !== params.uid) {
      throw new PageError({
        status: 410,
        code: 'demo-sign-in-gone',
        title: 'This sign-in is over',
        message: 'It was finished, or it took too long.',
        whatToDo: 'Start again from the sign-in page.',
      });
    }
  }
}
