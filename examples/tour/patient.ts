import { createVisitor } from './browse.ts';

type Account = { email?: string; password?: string };

/** A patient at the pages, who uses their record already: signs in and reads letters. */
export async function signInAsPatient(baseUrl: string, { email = '', password = '' }: Account) {
  const visitor = createVisitor(baseUrl);
  const page = await visitor.submit(await visitor.open('/my/sign-in'), '/my/sign-in', { email, password });
  if (page.path !== '/my') throw new Error(`${email} could not sign in: ${page.heading}`);

  return {
    /** Opens the letter with this title and the file in it, which is when it has been read. */
    async readLetter(title: string): Promise<void> {
      const { html } = await visitor.open('/my/letters');
      const [, letter] = new RegExp(`href="(/my/letters/[^"]+)"[^>]*>\\s*${title}`).exec(html) ?? [];
      if (!letter) throw new Error(`${email} has no letter “${title}”.`);
      const [file] = /\/my\/letters\/[^"]+\/parts\/\d+/.exec((await visitor.open(letter)).html) ?? [];
      if (!file) throw new Error(`The letter “${title}” has no file.`);
      await visitor.open(file);
    },
  };
}
