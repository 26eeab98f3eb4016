import type { Bundle, ExtractResource, Parameters, Resource, ResourceType } from '@medplum/fhirtypes';
import { createAsk } from './ask.ts';
import { Refused, refusalIn } from './refused.ts';
import type { Settings } from './settings.ts';
import { createTokenSource } from './token-source.ts';

type Options = {
  scopes: readonly string[];
  onWait?: (why: string, ms: number) => void;
  fetch?: typeof fetch;
  sleep?: (ms: number) => Promise<unknown>;
  now?: () => number;
};

/**
 * A small FHIR client for one organisation. Every request is one that may be sent again, so it waits and retries while
 * the service is busy; any other refusal is thrown as `Refused`.
 */
export function createFhirClient({ fhirBase, clientId, proof }: Settings, options: Options) {
  const { fetch = globalThis.fetch, now = Date.now, onWait = () => undefined } = options;
  const sleep = options.sleep ?? ((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)));
  const ask = createAsk({ fetch, sleep, onWait });
  const tokens = createTokenSource({ ask, now, fhirBase, clientId, proof, scopes: options.scopes });

  async function send(url: string, init: RequestInit = {}, renewed = false): Promise<Response> {
    const token = await tokens.token();
    const headers = { accept: 'application/fhir+json', ...init.headers, authorization: `Bearer ${token}` };
    const response = await ask(url, () => ({ ...init, headers }));
    if (response.ok) return response;
    const refused = await refusalIn(response);
    if (refused.code === 'token-invalid' && !renewed) {
      tokens.drop(token);
      return send(url, init, true);
    }
    throw refused;
  }

  const write = async (
    method: 'POST' | 'PUT',
    url: string,
    resource: Resource,
    headers: Record<string, string> = {},
  ) => {
    const response = await send(url, {
      method,
      headers: { 'content-type': 'application/fhir+json', prefer: 'return=minimal', ...headers },
      body: JSON.stringify(resource),
    });
    await response.body?.cancel();
    return response.status === 201 ? ('created' as const) : ('existed' as const);
  };

  return {
    /** Every match of a search, page after page; asks for the next page only when someone wants it. */
    async *search<Type extends ResourceType>(
      type: Type,
      parameters: Record<string, string | string[]>,
    ): AsyncGenerator<ExtractResource<Type>> {
      const asked = query(parameters);
      let url: string | undefined = `${fhirBase}/${type}${asked && `?${asked}`}`;
      while (url) {
        const bundle = (await (await send(url)).json()) as Bundle<ExtractResource<Type>>;
        for (const { resource, search } of bundle.entry ?? []) {
          if (resource && search?.mode !== 'outcome') yield resource;
        }
        url = sameOrigin(bundle.link?.find(({ relation }) => relation === 'next')?.url, fhirBase);
      }
    },

    async read<Type extends ResourceType>(type: Type, id: string): Promise<ExtractResource<Type>> {
      const response = await send(`${fhirBase}/${type}/${encodeURIComponent(id)}`);
      return (await response.json()) as ExtractResource<Type>;
    },

    /**
     * An operation on a type, such as `Patient/$status-query`. One that changes something needs an idempotency key: with
     * it, sending it again after a broken connection gives the first answer instead of doing it twice.
     */
    async operation(
      path: string,
      parameter: Parameters['parameter'],
      idempotencyKey?: string,
    ): Promise<Parameters> {
      const response = await send(`${fhirBase}/${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/fhir+json',
          ...(idempotencyKey && { 'idempotency-key': `"${idempotencyKey}"` }),
        },
        body: JSON.stringify({ resourceType: 'Parameters', parameter } satisfies Parameters),
      });
      return (await response.json()) as Parameters;
    },

    /** Creates unless there is one with this identifier (R4 section 3.1.0.8.1): what is there stays as it is. */
    createOnce(resource: Resource, identifier: { system: string; value: string }) {
      return write('POST', `${fhirBase}/${resource.resourceType}`, resource, {
        'if-none-exist': query({ identifier: `${identifier.system}|${identifier.value}` }),
      });
    },

    /** Creates; sent again after a broken connection it may make a second one. */
    create(resource: Resource) {
      return write('POST', `${fhirBase}/${resource.resourceType}`, resource);
    },

    /**
     * Sends a file of a patient's as it is, under its own content type (R4 section 2.47.4), and answers its address for
     * an attachment's `url`. Sent again it may make a second one, to which nothing points.
     */
    async createBinary(content: Uint8Array<ArrayBuffer>, contentType: string, patientId: string) {
      const response = await send(`${fhirBase}/Binary`, {
        method: 'POST',
        headers: {
          'content-type': contentType,
          'x-security-context': `Patient/${patientId}`,
          prefer: 'return=minimal',
        },
        body: content,
      });
      await response.body?.cancel();
      const [address] = /Binary\/[^/]+/.exec(response.headers.get('location') ?? '') ?? [];
      if (!address) throw new Error('The service does not say where the file is.');
      return address;
    },

    /** Deletes; what is gone already is well. */
    async remove(type: ResourceType, id: string): Promise<void> {
      try {
        await send(`${fhirBase}/${type}/${encodeURIComponent(id)}`, { method: 'DELETE' });
      } catch (error) {
        if (!(error instanceof Refused && [404, 410].includes(error.status))) throw error;
      }
    },

    /** Creates, or makes the one with this identifier what is sent (R4 section 3.1.0.4.3). */
    put(resource: Resource, identifier: { system: string; value: string }) {
      const condition = query({ identifier: `${identifier.system}|${identifier.value}` });
      return write('PUT', `${fhirBase}/${resource.resourceType}?${condition}`, resource);
    },
  };
}

export type FhirClient = ReturnType<typeof createFhirClient>;

/** Whether a refusal is about one request alone, so that others may go on. */
export const concernsOneRequest = (error: unknown): error is Refused =>
  error instanceof Refused && [400, 404, 409, 410, 412, 413, 422].includes(error.status);

function query(parameters: Record<string, string | string[]>): string {
  const search = new URLSearchParams();
  for (const [name, values] of Object.entries(parameters)) {
    for (const value of [values].flat()) search.append(name, value);
  }
  return search.toString();
}

/** A link that leads elsewhere must not be given our token. */
function sameOrigin(url: string | undefined, fhirBase: string): string | undefined {
  if (url === undefined || new URL(url).origin === new URL(fhirBase).origin) return url;
  throw new Error(`The next page is at ${new URL(url).origin}, which is another service: not followed.`);
}
