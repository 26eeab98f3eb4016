import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { newRootId } from '../../ids.ts';
import { isEmailAddress } from '../../mail/index.ts';
import {
  type AttemptLimit,
  hashPassword,
  networkOf,
  passwordProblem,
  tooManyAttempts,
  withinHour,
} from '../../sign-in/index.ts';
import { asPatient, inTransaction } from '../as-patient.ts';
import { readDate } from '../join/dates.ts';
import type { Room } from '../room.ts';
import { newSecret, secretHash } from '../sessions.ts';
import { changePassword } from './change-password.ts';
import { accountOfLink, insertPasswordLink, ownBirthDate, useLink } from './links.ts';
import { newPasswordMessage, passwordChangedMessage } from './messages.ts';

const LINK_LIVES_SECONDS = 3600;
const PER_ADDRESS: AttemptLimit = {
  purpose: 'new-password',
  free: 3,
  firstWaitSeconds: 600,
  waitSecondsMax: 3600,
};
const PER_NETWORK: AttemptLimit = {
  purpose: 'new-password-network',
  free: 20,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};
const PER_BIRTH_DATE: AttemptLimit = {
  purpose: 'new-password-birth-date',
  free: 5,
  firstWaitSeconds: 3600,
  waitSecondsMax: 86_400,
};

const NOBODY = new Error('there is no such account');

const Part = Type.String({ default: '', maxLength: 20 });
const AskForm = Type.Object({ email: Type.String({ default: '', maxLength: 320 }) });
const Link = Type.Object({ link: Type.String({ default: '', maxLength: 100 }) });
const ChooseForm = Type.Object({
  ...Link.properties,
  day: Part,
  month: Part,
  year: Part,
  password: Type.String({ default: '', maxLength: 1000 }),
});

/** /my/new-password: for who forgot theirs. The link in the message is not enough, the date of birth is asked too. */
export function newPasswordRoutes(app: FastifyInstance, room: Room): void {
  const { pages, record, store, attempts, mail, context } = room;
  const { now, database, baseUrl } = context;
  const pool = database.service;

  app.get('/my/new-password', (_request, reply) =>
    pages.render(reply, 'patients/account/forgot.njk', { email: '' }),
  );
  app.get('/my/new-password/sent', (_request, reply) =>
    pages.render(reply, 'patients/account/forgot-sent.njk', { demo: context.config.demo && !mail.sends }),
  );

  app.post<{ Body: Static<typeof AskForm> }>(
    '/my/new-password',
    { schema: { body: AskForm } },
    async (request, reply) => {
      const email = request.body.email.trim().toLowerCase();
      if (!isEmailAddress(email)) {
        const errors = [{ field: 'email', text: 'Enter an email address like name@example.com' }];
        return pages.render(reply.code(422), 'patients/account/forgot.njk', {
          email: request.body.email,
          errors,
        });
      }
      const seconds =
        (await attempts.count(PER_NETWORK, withinHour(networkOf(request.ip), now()), now())) ??
        (await attempts.count(PER_ADDRESS, email, now()));
      const account = await store.accountByEmail(email);
      const told = { action: 'my-password', accountId: account?.id, patientId: account?.patientId } as const;
      if (seconds !== null) {
        await record(request, { ...told, outcome: 'too-many-attempts', status: 429 });
        throw tooManyAttempts(seconds);
      }
      await record(request, {
        ...told,
        outcome: account ? 'allowed' : 'account-unknown',
        status: 303,
        detail: 'link asked for',
      });
      // The same work for an address that is nobody's, undone: time tells no more than words who is a patient here.
      const { secret, hash } = newSecret();
      const at = now();
      const expiresAt = new Date(at.getTime() + LINK_LIVES_SECONDS * 1000);
      await inTransaction(pool, async (client) => {
        const accountId = account?.id ?? newRootId();
        await insertPasswordLink(client, { tokenHash: hash, accountId, now: at, expiresAt });
        const link = `${baseUrl()}/my/new-password/choose?link=${secret}`;
        await mail.put(client, 'password-link', newPasswordMessage(email, link));
        if (!account) throw NOBODY;
      }).catch((error) => {
        if (error !== NOBODY) throw error;
      });
      mail.look();
      return reply.redirect('/my/new-password/sent', 303);
    },
  );

  app.get<{ Querystring: Static<typeof Link> }>(
    '/my/new-password/choose',
    { schema: { querystring: Link } },
    async (request, reply) => {
      const hash = secretHash(request.query.link);
      const account = hash && (await accountOfLink(pool, hash, now()));
      if (!account) return pages.render(reply.code(410), 'patients/account/link-unusable.njk');
      return pages.render(reply, 'patients/account/choose.njk', {
        ...request.query,
        day: '',
        month: '',
        year: '',
      });
    },
  );

  app.post<{ Body: Static<typeof ChooseForm> }>(
    '/my/new-password/choose',
    { schema: { body: ChooseForm } },
    async (request, reply) => {
      const { link, password, ...typed } = request.body;
      const hash = secretHash(link);
      const account = hash && (await accountOfLink(pool, hash, now()));
      const unusable = async () => {
        await record(request, { action: 'my-password', outcome: 'link-unusable', status: 410 });
        return pages.render(reply.code(410), 'patients/account/link-unusable.njk');
      };
      if (!hash || !account) return unusable();

      const birthDate = readDate(typed);
      const errors = [];
      if (!birthDate) errors.push({ field: 'day', text: 'Enter your date of birth, for example 31 3 1980' });
      const problem = passwordProblem(password, { name: '', email: account.email });
      if (problem) errors.push({ field: 'password', text: problem });
      const show = (problems: { field: string; text: string }[]) =>
        pages.render(reply.code(422), 'patients/account/choose.njk', { link, ...typed, errors: problems });
      if (errors.length > 0) return show(errors);

      const seconds = await attempts.count(PER_BIRTH_DATE, account.id, now());
      if (seconds !== null) {
        await record(request, {
          action: 'my-password',
          outcome: 'too-many-attempts',
          status: 429,
          accountId: account.id,
        });
        throw tooManyAttempts(seconds);
      }
      const known = await asPatient(pool, account.id, async (client, patientId) => ({
        patientId,
        birthDate: await ownBirthDate(client, patientId),
      }));
      const told = { action: 'my-password', accountId: account.id, patientId: known?.patientId } as const;
      if (!known || known.birthDate !== birthDate) {
        await record(request, { ...told, outcome: 'birth-date-wrong', status: 422 });
        return show([{ field: 'day', text: 'This is not the date of birth that we have for this account' }]);
      }
      const passwordHash = await hashPassword(password);
      const used = await inTransaction(pool, async (client) => {
        if (!(await useLink(client, hash, now()))) return false;
        await changePassword(client, account.id, passwordHash, now());
        await mail.put(
          client,
          'password-changed',
          passwordChangedMessage(account.email, `${baseUrl()}/my/new-password`),
        );
        return true;
      });
      if (!used) return unusable();
      await attempts.forget(PER_BIRTH_DATE, account.id);
      await record(request, { ...told, outcome: 'allowed', status: 303 });
      mail.look();
      room.flash(reply, { kind: 'success', text: 'Your new password is set. Sign in with it.' });
      return reply.redirect('/my/sign-in', 303);
    },
  );
}
