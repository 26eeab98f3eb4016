import { PageError } from '../web/index.ts';

type Refusal = { status: number; title: string; message: string; whatToDo: string };

const AGAIN =
  'Open the patient’s record again from your clinical system. If this happens again, ask whoever looks after its links in your organisation, and tell them the reference.';

/**
 * The pages of launches that open nothing. Their addresses and words say nothing of any patient, and nothing of
 * whether and where somebody is known.
 */
export const REFUSALS = {
  'launch-unreadable': {
    status: 400,
    title: 'This link cannot be read',
    message:
      'It is not complete, was changed on its way, or was made with settings that are not those of your organisation’s link.',
    whatToDo: AGAIN,
  },
  'launch-expired': {
    status: 410,
    title: 'This link is too old or too new',
    message: 'The link says when it may be used, and that is not now.',
    whatToDo: AGAIN,
  },
  'launch-wrong-practice': {
    status: 403,
    title: 'This link is not set up for your practice',
    message: 'The link came from a practice that is not among those it was set up for.',
    whatToDo: 'Ask whoever looks after the link in your organisation to add your practice’s ODS code.',
  },
  'launch-withdrawn': {
    status: 410,
    title: 'This link is no longer in use',
    message: 'Your organisation withdrew it, or it was never set up.',
    whatToDo: 'Use the newer link in your clinical system, or ask whoever looks after its links.',
  },
  'too-many-attempts': {
    status: 429,
    title: 'Too many attempts',
    message: 'There were too many links that we could not use, so we did not look at this one.',
    whatToDo: 'Try again in 15 minutes.',
  },
  'patient-not-found': {
    status: 404,
    title: 'We have no record to show for this patient',
    message: 'Your organisation cannot open a record here with the details that your clinical system sent.',
    whatToDo:
      'Check the patient’s NHS number and date of birth in your clinical system. If they are right, the patient may need to be registered by your organisation first.',
  },
  'patient-merged': {
    status: 409,
    title: 'This record was joined with another one',
    message: 'The number that your clinical system sent belongs to a record that is no longer used.',
    whatToDo: 'Check the patient’s NHS number in your clinical system and open the record again.',
  },
  'no-role': {
    status: 403,
    title: 'Your account has no role in this organisation',
    message: 'The organisation whose link you used has not given your account a role, or has ended it.',
    whatToDo: 'Ask an administrator of the organisation.',
  },
  'paired-with-another': {
    status: 409,
    title: 'This user name is connected to another account',
    message:
      'Somebody connected this user of the clinical system to an account that is not the one you used.',
    whatToDo:
      'Sign in with that account, or ask an administrator of your organisation to end the connection.',
  },
  'request-gone': {
    status: 410,
    title: 'There is no record waiting to be opened',
    message:
      'The link was used already, too much time has passed since you opened it, or another record was opened in this browser since.',
    whatToDo: 'Open the patient’s record again from your clinical system.',
  },
} satisfies Record<string, Refusal>;

export type RefusalCode = keyof typeof REFUSALS;

/** A wrong date of birth is told as an unknown patient: the difference would tell whose number it is. */
export const codeOf = (outcome: string): RefusalCode =>
  outcome === 'birth-date-mismatch' ? 'patient-not-found' : (outcome as RefusalCode);

export const refusalPath = (code: RefusalCode, reference: string): string =>
  `/systmone/refused/${code}?reference=${reference}`;

export function refusalPage(code: RefusalCode): PageError {
  return new PageError({ code, ...REFUSALS[code] });
}
