import type { Message } from '../../mail/index.ts';

const CLOSING = 'Nobody from this service will ever ask you for your password or your codes.';

/** The link that proves the address. Neither name nor organisation: the address may be somebody else's. */
export const confirmMessage = (to: string, link: string): Message => ({
  to,
  subject: 'Confirm your email address',
  text: [
    'Somebody gave this email address to join a service in which patients see their health record.',
    `If it was you, open this page within 24 hours and choose “Confirm”:\n${link}`,
    'If it was not you, you need not do anything. Without the link nobody can use your address.',
    CLOSING,
  ].join('\n\n'),
});

/** To an address that has an account already: whoever typed it sees the same page as with any other. */
export const knownAddressMessage = (to: string, signInLink: string): Message => ({
  to,
  subject: 'You already have an account with this email address',
  text: [
    'Somebody gave this email address to join a service in which patients see their health record. There is already an account with it, so nothing was changed.',
    `If it was you, sign in with the password you have:\n${signInLink}`,
    'If you wanted to join for another person, they need an email address of their own.',
    CLOSING,
  ].join('\n\n'),
});

export const joinedMessage = (to: string, signInLink: string): Message => ({
  to,
  subject: 'You have joined',
  text: [
    'Your email address is confirmed and your account is ready.',
    `Sign in here:\n${signInLink}`,
    'If this was not you, tell the organisation that invited you.',
    CLOSING,
  ].join('\n\n'),
});
