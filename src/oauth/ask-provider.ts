import { type IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Form } from './read-form.ts';

export type ProviderAnswer = { status: number; body: string };

type Question = { path: string; authorization: string | undefined; form: Form };
type Handler = (req: IncomingMessage, res: ServerResponse) => unknown;

/**
 * A request to the provider made here from what was already read and checked, instead of the one that came. So it sees
 * no header that it need not (its idea of its own address, and with it of an assertion's audience, would come from
 * `Host`), and no second reading of the body can differ from ours.
 */
export function providerRequest(origin: URL, { path, authorization, form }: Question): IncomingMessage {
  const body = Buffer.from(new URLSearchParams([...form]).toString());
  const stream = new Readable({ read() {} });
  stream.push(body);
  stream.push(null);
  return Object.assign(stream, {
    method: 'POST',
    url: path,
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    socket: { encrypted: origin.protocol === 'https:' },
    headers: {
      host: origin.host,
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(body.length),
      ...(authorization !== undefined && { authorization }),
    },
  }) as unknown as IncomingMessage;
}

/** The provider's answer as a value, so that it can wait for its audit record. */
export function answerOf(handler: Handler, request: IncomingMessage): Promise<ProviderAnswer> {
  return new Promise((resolve) => {
    const response = new ServerResponse(request);
    response.end = ((text?: unknown) => {
      resolve({ status: response.statusCode, body: text === undefined ? '' : String(text) });
      return response;
    }) as typeof response.end;
    handler(request, response);
  });
}
