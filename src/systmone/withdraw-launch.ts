import type { Context } from '../context.ts';
import { type Acting, whileInRole } from './acting.ts';
import { configurationOf, withdrawConfiguration } from './configuration-store.ts';

export type Withdrawn = 'withdrawn' | 'withdrawn-before' | 'not-found' | 'role-needed';

/** Ends a launch configuration at once: the next click on its link in SystmOne is refused, on every process. */
export function createWithdrawLaunch({ database, audit, now }: Pick<Context, 'database' | 'audit' | 'now'>) {
  return async function withdrawLaunch(acting: Acting, id: string): Promise<Withdrawn> {
    const { organisationId, accountId } = acting;
    const result = await whileInRole(
      database.service,
      acting,
      ['administrator', 'coordinator'],
      async (client): Promise<Withdrawn> => {
        if (!(await configurationOf(client, organisationId, id))) return 'not-found';
        const done = await withdrawConfiguration(client, { id, organisationId, accountId, at: now() });
        return done ? 'withdrawn' : 'withdrawn-before';
      },
    );
    const outcome = result ?? 'role-needed';
    await audit.record({
      kind: 'page',
      interaction: 'launch-withdraw',
      outcome: outcome === 'withdrawn' ? 'allowed' : outcome,
      status: STATUS[outcome],
      ...acting,
      detail: outcome === 'not-found' ? null : JSON.stringify({ configuration: id }),
    });
    return outcome;
  };
}

const STATUS = { withdrawn: 303, 'withdrawn-before': 409, 'not-found': 404, 'role-needed': 403 };
