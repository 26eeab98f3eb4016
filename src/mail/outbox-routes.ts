import type { FastifyInstance } from 'fastify';
import type { Pages } from '../web/index.ts';
import type { Mail } from './mail.ts';

const SHOWN = 50;

/** /demo/outbox: what would have been sent, for whoever tries the demo. Never add this where DEMO is off. */
export function outboxRoutes(app: FastifyInstance, mail: Mail, pages: Pages): void {
  app.get('/demo/outbox', async (_request, reply) => {
    const messages = await mail.latest(SHOWN);
    return pages.render(reply, 'mail/outbox.njk', {
      sends: mail.sends,
      messages: messages.map(({ message, ...row }) => ({
        ...row,
        message,
        paragraphs: message && partsOf(message.text),
      })),
    });
  });
}

/** Paragraphs, and within them the addresses that become links. */
const partsOf = (text: string) =>
  text
    .split('\n\n')
    .map((paragraph) =>
      paragraph.split(/(https?:\/\/\S+)/).map((part) => ({ text: part, link: /^https?:\/\//.test(part) })),
    );
