import { createTransport } from 'nodemailer';
import type { Send } from './send-due.ts';

/**
 * Sends through the server that SMTP_URL names (`smtp://user:password@host:587`, `smtps://…`). Beyond this machine
 * only under TLS, with a certificate that holds.
 */
export function createSmtp(url: string, from: string): { send: Send; close: () => void } {
  const { hostname } = new URL(url);
  const here = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  const transport = createTransport({
    url,
    requireTLS: !here,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 30_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ to, subject, text }, id) {
      await transport.sendMail({
        from,
        to: { name: '', address: to },
        subject,
        text,
        // The same on every try, so that a server or a reader may know a repetition when it sees one.
        messageId: `<${id}@connected-systems>`,
        // No answers from robots (RFC 3834 section 5).
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
    },
    close: () => transport.close(),
  };
}
