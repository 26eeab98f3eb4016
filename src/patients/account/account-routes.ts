import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import {
  type AttemptLimit,
  hashPassword,
  passwordProblem,
  tooManyAttempts,
  verifyPassword,
} from '../../sign-in/index.ts';
import { asPatient, inTransaction } from '../as-patient.ts';
import { patientOf } from '../require-patient.ts';
import type { Room } from '../room.ts';
import { changePassword } from './change-password.ts';
import { closeAccount } from './links.ts';
import { accountClosedMessage, passwordChangedMessage } from './messages.ts';

const PER_ACCOUNT: AttemptLimit = {
  purpose: 'my-account-password',
  free: 5,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};

const Word = Type.String({ default: '', maxLength: 1000 });
const PasswordForm = Type.Object({ current: Word, password: Word });
const CloseForm = Type.Object({ current: Word });

/** /my/account: the address, the password, and the end of it. Each change asks for the password once more. */
export function accountRoutes(app: FastifyInstance, room: Room): void {
  const { pages, record, sessions, attempts, mail, flash, context } = room;
  const { now, database, baseUrl } = context;
  const onRequest = room.requirePatient;

  /** Null when the password is right, else what to show. */
  async function wrongPassword(
    request: FastifyRequest,
    current: string,
    action: 'my-password' | 'my-account-close',
  ) {
    const { accountId, patientId } = patientOf(request);
    const told = { action, accountId, patientId } as const;
    const seconds = await attempts.count(PER_ACCOUNT, accountId, now());
    if (seconds !== null) {
      await record(request, { ...told, outcome: 'too-many-attempts', status: 429 });
      throw tooManyAttempts(seconds);
    }
    if (await verifyPassword(request.patientSession!.account.passwordHash, current)) {
      await attempts.forget(PER_ACCOUNT, accountId);
      return null;
    }
    await record(request, { ...told, outcome: 'sign-in-refused', status: 422 });
    return [{ field: 'current', text: 'Your current password is not right' }];
  }

  app.get('/my/account', { onRequest }, (request, reply) =>
    pages.render(reply, 'patients/account/account.njk', { patient: patientOf(request) }),
  );
  app.get('/my/account/password', { onRequest }, (_request, reply) =>
    pages.render(reply, 'patients/account/password.njk'),
  );
  app.get('/my/account/close', { onRequest }, (_request, reply) =>
    pages.render(reply, 'patients/account/close.njk'),
  );

  app.post<{ Body: Static<typeof PasswordForm> }>(
    '/my/account/password',
    { onRequest, schema: { body: PasswordForm } },
    async (request, reply) => {
      const { accountId, patientId, name, email } = patientOf(request);
      const problem = passwordProblem(request.body.password, { name, email });
      const errors = problem
        ? [{ field: 'password', text: problem }]
        : await wrongPassword(request, request.body.current, 'my-password');
      if (errors) return pages.render(reply.code(422), 'patients/account/password.njk', { errors });
      const passwordHash = await hashPassword(request.body.password);
      await inTransaction(database.service, async (client) => {
        await changePassword(client, accountId, passwordHash, now());
        await mail.put(
          client,
          'password-changed',
          passwordChangedMessage(email, `${baseUrl()}/my/new-password`),
        );
      });
      await record(request, { action: 'my-password', outcome: 'allowed', status: 303, accountId, patientId });
      mail.look();
      await sessions.begin(request, reply, { ...request.patientSession!.account, passwordHash }, null);
      flash(reply, {
        kind: 'success',
        text: 'Your password is changed. You are signed out everywhere else.',
      });
      return reply.redirect('/my/account', 303);
    },
  );

  app.post<{ Body: Static<typeof CloseForm> }>(
    '/my/account/close',
    { onRequest, schema: { body: CloseForm } },
    async (request, reply) => {
      const { accountId, patientId, email } = patientOf(request);
      const errors = await wrongPassword(request, request.body.current, 'my-account-close');
      if (errors) return pages.render(reply.code(422), 'patients/account/close.njk', { errors });
      await asPatient(database.service, accountId, async (client) => {
        if (await closeAccount(client, accountId, now())) {
          await mail.put(client, 'account-closed', accountClosedMessage(email));
        }
      });
      await record(request, {
        action: 'my-account-close',
        outcome: 'allowed',
        status: 303,
        accountId,
        patientId,
      });
      mail.look();
      await sessions.end(reply, request.patientSession!);
      flash(reply, { kind: 'success', text: 'Your account is closed' });
      return reply.redirect('/my/sign-in', 303);
    },
  );
}
