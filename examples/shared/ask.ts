const TIMEOUT_MS = 30_000;
const ATTEMPTS_MAX = 5;
const WAIT_MS_MAX = 60_000;

export type Ask = (url: string, make?: () => RequestInit | Promise<RequestInit>) => Promise<Response>;

type Parts = {
  fetch: typeof fetch;
  sleep: (ms: number) => Promise<unknown>;
  /** Told before each wait, so that a person sees why nothing happens. */
  onWait: (why: string, ms: number) => void;
};

/**
 * Sends a request, and again when the service is away or busy (no answer, 429, 503), as long as it asks to wait.
 * Only for requests that may be sent twice without harm; `make` is called for each attempt.
 */
export function createAsk({ fetch, sleep, onWait }: Parts): Ask {
  return async (url, make = () => ({})) => {
    for (let attempt = 1; ; attempt++) {
      const { response, problem } = await once(fetch, url, await make());
      const busy = response?.status === 429 || response?.status === 503;
      if (response && (!busy || attempt === ATTEMPTS_MAX)) return response;
      if (attempt === ATTEMPTS_MAX) throw new Unreachable(new URL(url).origin, problem);
      const ms = Math.min(retryAfterMs(response) ?? 500 * 2 ** attempt, WAIT_MS_MAX);
      onWait(response ? `The service is busy (HTTP ${response.status})` : 'The service does not answer', ms);
      await response?.body?.cancel();
      await sleep(ms);
    }
  };
}

/** Nobody answered, however often asked. */
export class Unreachable extends Error {
  constructor(origin: string, cause: unknown) {
    super(`${origin} cannot be reached (${reasonOf(cause)}).`, { cause });
    this.name = 'Unreachable';
  }
}

async function once(send: typeof fetch, url: string, init: RequestInit) {
  try {
    // A redirect would take the token, or the assertion, to where it was not meant to go.
    const response = await send(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS), ...init });
    return { response };
  } catch (problem) {
    return { problem };
  }
}

function retryAfterMs(response: Response | undefined): number | undefined {
  const seconds = Number(response?.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function reasonOf(problem: unknown): string {
  const { cause, name, message } = problem as Error & { cause?: { code?: string; message?: string } };
  if (name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} seconds`;
  return cause?.code ?? cause?.message ?? message;
}
