import { PageError } from '../web/index.ts';

/** Says when to try again, and nothing about whether there is such an account. */
export function tooManyAttempts(seconds: number): PageError {
  const minutes = Math.ceil(seconds / 60);
  return new PageError({
    status: 429,
    code: 'too-many-attempts',
    title: 'Too many attempts',
    message:
      'There were too many attempts with these details or from this network, so we did not look at this one.',
    whatToDo: `Try again in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`,
    retryAfterSeconds: seconds,
  });
}
