type Refusal = { status: number; title: string; message: string; whatToDo: string };

const PASSWORD = 'Or sign in with your email address and password, and your sign-in code.';

/** The pages of a sign-in with the organisation that came to nothing. Their addresses and words name nobody. */
export const REFUSALS = {
  cancelled: {
    status: 403,
    title: 'You did not finish signing in',
    message: 'Your organisation’s sign-in told us that you cancelled, or did not let you go on.',
    whatToDo: `Try again. ${PASSWORD}`,
  },
  'refused-there': {
    status: 403,
    title: 'Your organisation’s sign-in refused',
    message: 'It told us that it could not sign you in, or not in the way we asked for.',
    whatToDo: `Ask whoever looks after sign-in at your organisation, and tell them the reference. ${PASSWORD}`,
  },
  away: {
    status: 503,
    title: 'Your organisation’s sign-in does not answer',
    message: 'We could not reach it, or it had a fault. You are not signed in.',
    whatToDo: `Try again in a few minutes. ${PASSWORD}`,
  },
  'not-right': {
    status: 403,
    title: 'We could not accept your organisation’s answer',
    message:
      'What came back from your organisation’s sign-in is not what we asked for, was used before, or cannot be checked.',
    whatToDo: `Try again. If it happens again, tell whoever looks after sign-in at your organisation the reference. ${PASSWORD}`,
  },
  'start-again': {
    status: 403,
    title: 'Start signing in again',
    message:
      'The answer from your organisation’s sign-in does not belong to a sign-in that was begun in this browser, or too much time has passed.',
    whatToDo: 'Begin from our sign-in page, in this browser, with cookies allowed.',
  },
  'no-second-factor': {
    status: 403,
    title: 'Your organisation’s sign-in did not show a second step',
    message:
      'A password alone is not enough here. We accept your organisation’s sign-in when it tells us that you used a second step, such as a code or a smartcard.',
    whatToDo: `Sign in there with your second step, or ask whoever looks after sign-in at your organisation. ${PASSWORD}`,
  },
  'no-role': {
    status: 403,
    title: 'Your account has no role in this organisation',
    message: 'The organisation has not given your account a role here, or has ended it.',
    whatToDo: 'Ask an administrator of the organisation.',
  },
  'too-many-attempts': {
    status: 429,
    title: 'Too many attempts',
    message:
      'There were too many sign-ins from this network that came to nothing, so we did not begin this one.',
    whatToDo: 'Try again in 15 minutes.',
  },
} satisfies Record<string, Refusal>;

export type RefusalCode = keyof typeof REFUSALS;
