import { TOTP } from 'otpauth';
import { createVisitor, text } from './browse.ts';

type Account = { email: string; password: string; totpSecret?: string };

/** An administrator at the pages: signs in with password and time-based code, grants, revokes. */
export async function signInAs(baseUrl: string, { email, password, totpSecret }: Account) {
  const visitor = createVisitor(baseUrl);
  const signIn = await visitor.open('/sign-in');
  let page = await visitor.submit(signIn, '/sign-in', { email, password });
  if (page.path === '/sign-in/code') {
    const code = new TOTP({ secret: totpSecret }).generate();
    page = await visitor.submit(page, '/sign-in/code', { code });
  }
  if (page.path !== '/connected-systems') throw new Error(`${email} could not sign in: ${page.heading}`);

  return {
    /** Searches for the system by its exact name, reviews it, and sends the review form as it stands. */
    async grant(name: string): Promise<{ connectionId: string; said: string }> {
      const found = await visitor.open(`/connected-systems/add?${new URLSearchParams({ search: name })}`);
      const [, review] = /href="(\/connected-systems\/add\/[^"]+)"/.exec(found.html) ?? [];
      if (!review) throw new Error(`${name} cannot be granted access: ${text(mainOf(found.html))}`);
      const granted = await visitor.submit(await visitor.open(review), review);
      const [, connectionId] = /^\/connected-systems\/([^/]+)\/granted$/.exec(granted.path) ?? [];
      if (!connectionId) throw new Error(`Access was not granted: ${granted.heading}`);
      return { connectionId, said: saidOf(granted.html, /Granted/) };
    },

    async revoke(connectionId: string, reason: string): Promise<{ said: string }> {
      const path = `/connected-systems/${connectionId}/revoke`;
      const revoked = await visitor.submit(await visitor.open(path), path, { reason });
      if (!revoked.path.endsWith('/revoked')) throw new Error(`Access was not revoked: ${revoked.heading}`);
      return { said: saidOf(revoked.html, /Revoked/) };
    },
  };
}

const mainOf = (html: string): string => /<main\b[\s\S]*?<\/main>/.exec(html)?.[0] ?? html;

/** The paragraph of a confirmation that says who did what, when. */
const saidOf = (html: string, word: RegExp): string =>
  [...mainOf(html).matchAll(/<p\b[^>]*>([\s\S]*?)<\/p>/g)]
    .map(([, inner = '']) => text(inner))
    .find((paragraph) => word.test(paragraph)) ?? '';
