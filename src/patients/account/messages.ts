import type { Message } from '../../mail/index.ts';

const CLOSING = 'Nobody from this service will ever ask you for your password.';

export const newPasswordMessage = (to: string, link: string): Message => ({
  to,
  subject: 'Choose a new password',
  text: [
    'Somebody asked for a new password for the account with this email address.',
    `If it was you, open this page within an hour:\n${link}`,
    'If it was not you, you need not do anything. Your password stays as it is.',
    CLOSING,
  ].join('\n\n'),
});

export const passwordChangedMessage = (to: string, link: string): Message => ({
  to,
  subject: 'Your password was changed',
  text: [
    'The password of your account was changed just now, and you are signed out everywhere.',
    `If it was not you, choose another one at once:\n${link}`,
    CLOSING,
  ].join('\n\n'),
});

export const accountClosedMessage = (to: string): Message => ({
  to,
  subject: 'Your account is closed',
  text: [
    'Your account was closed just now. Nobody can sign in to it any more. Your record stays with the organisations that look after you.',
    'To join again, ask one of them for an invitation. If it was not you who closed the account, tell them.',
    CLOSING,
  ].join('\n\n'),
});
