import type { FastifyInstance } from 'fastify';
import { connectionRoutes } from './connections/routes.ts';
import type { Context } from './context.ts';
import { isUnavailable } from './database/unavailable.ts';
import type { DemoIdentityProvider } from './demo/identity-provider/index.ts';
import { helpRoutes } from './help/routes.ts';
import { createMail, outboxRoutes } from './mail/index.ts';
import { createGuardedFetch } from './oauth/guarded-fetch.ts';
import { PATIENT_NAVIGATION, patientRoutes } from './patients/index.ts';
import { recordRoutes } from './record/index.ts';
import { setUpSignIn } from './sign-in/index.ts';
import { systmoneRoutes } from './systmone/routes.ts';
import { setUpWeb, type Viewer } from './web/index.ts';

/**
 * The pages people see, in a scope of their own: their cookies, forms, headers and error pages do not touch the
 * APIs.
 */
export async function setUpPages(
  app: FastifyInstance,
  context: Context,
  demoProvider?: DemoIdentityProvider,
): Promise<void> {
  const { config, secrets, database, audit, baseUrl, now } = context;
  const fetch = createGuardedFetch();
  const secure = config.baseUrl?.startsWith('https:') ?? false;
  await app.register(async (scope) => {
    const web = await setUpWeb(scope, { cookieKey: secrets.cookieKey, secure, navigation, isUnavailable });
    const signIn = setUpSignIn(scope, web, {
      database: database.service,
      secrets,
      secure,
      now,
      providers: demoProvider?.access(fetch) ?? { fetch, isPlainHttp: () => false, baseUrl },
      recordAudit: ({ action, outcome, details, ...entry }) =>
        audit.record({
          kind: 'page',
          interaction: action,
          outcome: outcome === 'success' ? 'allowed' : 'sign-in-refused',
          detail: details ? JSON.stringify(details) : null,
          ...entry,
        }),
    });
    await scope.register(connectionRoutes(context, web.pages, signIn));
    await scope.register(systmoneRoutes({ ...context, secure }, web, signIn));
    await scope.register(recordRoutes(context, web, signIn));
    helpRoutes(scope, web.pages);
    const mail = createMail(context);
    scope.addHook('onClose', mail.close);
    await scope.register(patientRoutes(context, web, mail, { secure }));
    if (config.demo) outboxRoutes(scope, mail, web.pages);
    demoProvider?.pages(scope, web.pages);
    await web.pages.warm();
  });
}

const navigation = ({ role }: Viewer) =>
  role === 'patient'
    ? PATIENT_NAVIGATION
    : [
        { text: 'Connected systems', href: '/connected-systems' },
        ...(role === 'administrator' ? [] : [{ text: 'Patients', href: '/patients' }]),
      ];
