import type { Audit } from '../audit/audit.ts';
import type { Context } from '../context.ts';
import { createRecordContexts } from '../record-context/index.ts';
import type { SignIn } from '../sign-in/index.ts';
import type { Web } from '../web/index.ts';
import { createArrive } from './arrive.ts';
import { createConfirm } from './confirm.ts';
import { createCookies } from './cookies.ts';
import { createCredentials } from './credentials.ts';
import { createOneTimeLaunch } from './one-time-launch.ts';
import { createSetUpLaunch } from './set-up-launch.ts';
import { createWithdrawLaunch } from './withdraw-launch.ts';

export type Needs = Pick<Context, 'database' | 'secrets' | 'now' | 'baseUrl'> & {
  audit: Pick<Audit, 'record'>;
  /** True when people reach the service by https. */
  secure: boolean;
};

/** What the routes of this room work with. */
export function createRoom(context: Needs, web: Web, signIn: SignIn) {
  const needs = { ...context, audit: context.audit as Audit };
  return {
    context: needs,
    pages: web.pages,
    flash: web.flash,
    signIn,
    arrive: createArrive(needs),
    ...createConfirm(needs),
    openLink: createOneTimeLaunch(needs).openLink,
    ...createCredentials({ ...needs, attempts: signIn.attempts }),
    setUpLaunch: createSetUpLaunch(needs),
    withdrawLaunch: createWithdrawLaunch(needs),
    records: createRecordContexts({ database: context.database.service, now: context.now }),
    cookies: createCookies(context.secure),
  };
}

export type Room = ReturnType<typeof createRoom>;
