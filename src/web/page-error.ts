type PageErrorParts = {
  status: number;
  /** Stable, for logs, audit and tests. */
  code: string;
  title: string;
  message: string;
  whatToDo?: string;
  retryAfterSeconds?: number;
};

/** A refusal or failure that a person sees as a page. Throw it from any page route; nothing else is needed. */
export class PageError extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly whatToDo: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(parts: PageErrorParts) {
    super(parts.message);
    this.name = 'PageError';
    this.status = parts.status;
    this.code = parts.code;
    this.title = parts.title;
    this.whatToDo = parts.whatToDo;
    this.retryAfterSeconds = parts.retryAfterSeconds;
  }
}

/** The page does not exist, or the person may not know that it does: the two look alike on purpose. */
export const notFound = (): PageError =>
  new PageError({
    status: 404,
    code: 'not-found',
    title: 'Page not found',
    message:
      'If you typed the web address, check it is correct. If you pasted it, check you copied all of it.',
    whatToDo: 'Go to the start page and look for what you need from there.',
  });

export const badRequest = (message: string, whatToDo?: string): PageError =>
  new PageError({
    status: 400,
    code: 'bad-request',
    title: 'We could not understand that',
    message,
    whatToDo,
  });

/** Someone signed in lacks the role: `need` continues "You need to be …". */
export const roleNeeded = (need: string, toDoWhat: string): PageError =>
  new PageError({
    status: 403,
    code: 'role-needed',
    title: `You need to be ${need} to ${toDoWhat}`,
    message: `Your role does not let you ${toDoWhat}. Nothing was changed.`,
    whatToDo: 'Ask an administrator of your organisation to do it, or to give you the role.',
  });

/** What this error is to a person looking at a page. Anything unknown is a 500 that gives nothing away. */
export function toPageError(error: unknown, isUnavailable: (error: unknown) => boolean): PageError {
  if (error instanceof PageError) return error;
  if (isUnavailable(error)) {
    return new PageError({
      status: 503,
      code: 'unavailable',
      title: 'The service is not available for the moment',
      message: 'We could not reach the data this page needs. Nothing was changed.',
      whatToDo: 'Try again in a minute.',
      retryAfterSeconds: 30,
    });
  }
  if ((error as { code?: unknown } | null)?.code === NO_TEXT) {
    return badRequest(
      'What you sent has a character that no text has. Nothing was changed.',
      'Type it again.',
    );
  }
  const status = (error as { statusCode?: number } | null)?.statusCode ?? 500;
  if (status === 404) return notFound();
  if (status === 413)
    return badRequest('What you sent is larger than this page accepts.', 'Send less and try again.');
  if (status === 415)
    return badRequest('This page accepts only its own forms.', 'Go back and use the form on the page.');
  if (status === 429) {
    return new PageError({
      status: 429,
      code: 'too-many-requests',
      title: 'Too many requests',
      message: 'You have asked for this page too often in a short time.',
      whatToDo: 'Wait a minute, then try again.',
      retryAfterSeconds: 60,
    });
  }
  if (status >= 400 && status < 500) {
    return badRequest(
      'The page was asked for in a way that we do not accept. Nothing was changed.',
      'Go back and try again.',
    );
  }
  return new PageError({
    status: 500,
    code: 'unexpected',
    title: 'Sorry, there is a problem with the service',
    message: 'Something went wrong that should not have. What you were doing may not have been saved.',
    whatToDo: 'Try again later. If it happens again, tell your support team the reference below.',
  });
}

/** PostgreSQL's character_not_in_repertoire: a NUL, or half of a character, in what somebody sent. */
const NO_TEXT = '22021';
