import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { newRootId } from '../../ids.ts';
import { PageError } from '../../web/index.ts';
import { signInAgain, staffOf } from '../require-staff.ts';
import type { Pending } from './cookies.ts';
import type { ProviderRoom } from './room.ts';
import { connectIdentity, endIdentity, identityOf, providerOf } from './store.ts';

export const IDENTITY_PAGE = '/account/organisation-sign-in';

const Form = Type.Object({ wanted: Type.String({ default: '', maxLength: 100 }) });

/**
 * The tie between an account and its organisation's sign-in. Only the person makes it: having signed in there, and here
 * with password and second factor, and having seen on this page whose two they are.
 */
export function identityRoutes(app: FastifyInstance, room: ProviderRoom): void {
  const { pages, cookies, database, record, flash, now } = room;
  const onRequest = room.requireStaff;

  app.get('/sign-in/not-connected', async (request, reply) => {
    const pending = cookies.pending.of(request);
    const provider = pending && (await providerOf(database, { id: pending.providerId }));
    if (!provider) return reply.redirect('/sign-in', 303);
    return pages.render(reply, 'sign-in/not-connected.njk', {
      organisation: provider.organisationName,
      next: IDENTITY_PAGE,
    });
  });

  app.get(IDENTITY_PAGE, { onRequest }, async (request, reply) => {
    const { accountId, organisationId } = staffOf(request);
    const pending = cookies.pending.of(request);
    const [identity, wayIn, wanted] = await Promise.all([
      identityOf(database, { accountId, organisationId }),
      room.waysIn.ofOrganisation(organisationId, IDENTITY_PAGE),
      pending && providerOf(database, { id: pending.providerId }),
    ]);
    return pages.render(reply, 'sign-in/organisation-sign-in.njk', {
      state: stateOf(request),
      wanted: wanted && { organisation: wanted.organisationName, label: pending?.label },
      identity,
      wayIn,
      name: pending && nameOf(pending),
      setUpCode: `/sign-in/set-up-code?next=${encodeURIComponent(IDENTITY_PAGE)}`,
      signInAgain: signInAgain(IDENTITY_PAGE),
    });
  });

  app.post<{ Body: Static<typeof Form> }>(
    `${IDENTITY_PAGE}/connect`,
    { onRequest, schema: { body: Form } },
    connect,
  );

  async function connect(request: FastifyRequest<{ Body: Static<typeof Form> }>, reply: FastifyReply) {
    const { accountId } = staffOf(request);
    const pending = cookies.pending.of(request);
    // A page on which one sign-in was seen must not connect another, with which another tab came back since.
    if (!pending || request.body.wanted !== nameOf(pending)) return reply.redirect(IDENTITY_PAGE, 303);
    const provider = await providerOf(database, { id: pending.providerId });
    if (!provider || stateOf(request) !== 'ready') return reply.redirect(IDENTITY_PAGE, 303);
    const { organisationId } = provider;
    const sessionHash = request.staffSession!.idHash;
    const tie = { id: newRootId(), accountId, now: now(), sessionHash, ...pending };
    const result = await connectIdentity(database, tie);
    const action = 'connect-organisation-sign-in';
    if (result !== 'connected') {
      const details = { reason: result };
      await record(request, { action, outcome: 'failure', accountId, organisationId, details });
      throw result === 'taken' ? taken() : gone();
    }
    await record(request, { action, outcome: 'success', accountId, organisationId });
    cookies.pending.drop(reply);
    cookies.remember(reply, provider.odsCode);
    flash(reply, { kind: 'success', text: 'From now on you can sign in with your organisation' });
    return reply.redirect(pending.next === '/' ? IDENTITY_PAGE : pending.next, 303);
  }

  app.post(`${IDENTITY_PAGE}/end`, { onRequest }, async (request, reply) => {
    const { accountId, organisationId } = staffOf(request);
    const ended = await endIdentity(database, { accountId, organisationId, now: now() });
    await record(request, {
      action: 'end-organisation-sign-in',
      outcome: 'success',
      accountId,
      organisationId,
      details: { count: Number(ended) },
    });
    flash(reply, { kind: 'success', text: ended ? 'It is no longer connected' : 'It was not connected' });
    return reply.redirect(IDENTITY_PAGE, 303);
  });
}

/** Tells one who signed in there from another, and nothing else. */
const nameOf = ({ providerId, subject }: Pending): string =>
  createHash('sha256')
    .update(JSON.stringify([providerId, subject]))
    .digest('hex')
    .slice(0, 16);

/**
 * Whether this session may connect another way to sign in: one that was opened by such a way may not, nor one that was
 * left open.
 */
function stateOf({ staff, staffSession }: FastifyRequest) {
  if (!staff?.recent || staffSession?.identityId) return 'password-needed';
  return staff.secondFactor ? 'ready' : 'code-needed';
}

const taken = () =>
  new PageError({
    status: 409,
    code: 'sign-in-taken',
    title: 'This sign-in or this account is connected already',
    message:
      'You signed in at your organisation as somebody who is connected with another account here, or your account is connected with another of your organisation’s sign-ins. Nothing was changed.',
    whatToDo:
      'End the other connection under “My account” first, or ask an administrator of your organisation.',
  });

const gone = () =>
  new PageError({
    status: 409,
    code: 'sign-in-gone',
    title: 'This sign-in cannot be connected with your account',
    message:
      'Your account has no role in the organisation you signed in with, or it has changed its sign-in.',
    whatToDo: 'Ask an administrator of that organisation.',
  });
