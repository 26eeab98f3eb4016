import { RESOURCE_TYPES } from '../../oauth/resource-types.ts';
import { canonicalOf, checkedEndpoint, TOPICS, type Topic, topicOf } from '../../subscriptions/index.ts';
import { Refusal } from '../http/refusal.ts';
import type { JsonObject } from '../store/content.ts';

/** A Subscription that this service can serve. */
export type NewSubscription = {
  topic: Topic;
  types: string[] | null;
  endpoint: string;
  headers: Record<string, string> | null;
  endsAt: Date | null;
  /** The resource without status, error and headers. */
  content: JsonObject;
  /** Nothing is to be sent until further notice; only of one that exists. */
  paused: boolean;
};

const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/';
const CONTENT = `${BACKPORT}backport-payload-content`;
const FILTER = `${BACKPORT}backport-filter-criteria`;

/**
 * Takes a valid Subscription apart.
 * @param toLoopback whether the endpoint may be on this machine, for the demo
 * @param baseUrl the service's own address, where no endpoint may be
 * @param exists whether it is to take the place of one that is there: then any status may come back
 * @throws {Refusal} 'resource-invalid' for what is not served here.
 */
export function parseSubscription(
  resource: JsonObject,
  { now, exists = false, ...where }: Where & { now: Date; exists?: boolean },
): NewSubscription {
  const { status, error: _error, meta: _meta, id: _id, channel: sent, ...rest } = resource;
  const channel = sent as Channel;
  if (status !== 'requested' && !exists) throw wrong('status', 'A new subscription has the status requested');
  const topic = topicOf(resource.criteria);
  if (!topic) throw wrong('criteria', `The criteria must be one of ${TOPICS.map(canonicalOf).join(', ')}`);
  const { header, ...shown } = channel;
  return {
    topic,
    types: typesOf(topic, resource),
    endpoint: endpointOf(channel, where),
    headers: headersOf(header),
    endsAt: endOf(resource.end, now),
    content: { ...rest, channel: shown },
    paused: status === 'off',
  };
}

/** Promises of the backport that are not kept here, so none may be taken for one that is. */
const UNSERVED = [`${BACKPORT}backport-heartbeat-period`, `${BACKPORT}backport-timeout`];

type Extended = { extension?: { url?: string; valueString?: string; valueCode?: string }[] };
type Channel = {
  type: string;
  endpoint?: string;
  payload?: string;
  _payload?: Extended;
  header?: string[];
} & Extended;

type Where = { toLoopback: boolean; baseUrl: string };

function endpointOf(channel: Channel, where: Where): string {
  const { type, endpoint = '', payload, _payload, extension = [] } = channel;
  if (extension.some(({ url = '' }) => UNSERVED.includes(url)))
    throw wrong('channel', 'No heartbeats are sent, and the time to answer is not yours to set');
  if (type !== 'rest-hook') throw wrong('channel.type', 'Only the channel rest-hook is served');
  if (payload !== undefined && !/^application\/(fhir\+)?json$/.test(payload)) {
    throw wrong('channel.payload', 'Notifications are sent as application/fhir+json');
  }
  const content = _payload?.extension?.find(({ url }) => url === CONTENT)?.valueCode ?? 'id-only';
  if (content !== 'id-only') throw wrong('channel.payload', 'Notifications carry ids alone: use id-only');
  try {
    return checkedEndpoint(endpoint, where).href;
  } catch {
    throw wrong(
      'channel.endpoint',
      'The endpoint must be an https address of the public internet and none of this service’s own, at port 443 or above 1023, without user, password or fragment',
    );
  }
}

/** `Observation?`: of this type alone. No other filter is served, so none may be taken for one that is. */
function typesOf(topic: Topic, { _criteria }: JsonObject): string[] | null {
  const { extension = [] } = (_criteria ?? {}) as Extended;
  const filters = extension.filter(({ url }) => url === FILTER).map(({ valueString = '' }) => valueString);
  if (filters.length === 0) return null;
  if (topic !== 'record-changed') throw wrong('criteria', 'Only the topic record-changed can be filtered');
  return filters.map((filter) => {
    const type = filter.replace(/\?$/, '');
    if (!RESOURCE_TYPES.includes(type))
      throw wrong('criteria', 'A filter is the name of a resource type and a question mark');
    return type;
  });
}

const HEADERS_MAX = 5;
const HEADER = /^([A-Za-z0-9-]{1,60}): ?([\x20-\x7e]{1,2000})$/;
const OWN_HEADERS =
  /^(host|content-.*|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|proxy-.*|x-jws-signature|user-agent|x-forwarded-.*|forwarded|via|x-real-ip)$/i;

/** `Name: value`, to be sent with each notification. They are kept sealed and never shown. */
function headersOf(sent: string[] = []): Record<string, string> | null {
  if (sent.length > HEADERS_MAX) throw wrong('channel.header', `At most ${HEADERS_MAX} headers are sent`);
  const headers = sent.map((one) => {
    const [, name = '', value = ''] = HEADER.exec(one) ?? [];
    if (!name || OWN_HEADERS.test(name))
      throw wrong('channel.header', 'A header is "Name: value", and none that this service sets itself');
    return [name.toLowerCase(), value] as const;
  });
  return headers.length > 0 ? Object.fromEntries(headers) : null;
}

function endOf(end: unknown, now: Date): Date | null {
  if (end === undefined) return null;
  const at = new Date(String(end));
  if (!(at > now)) throw wrong('end', 'The end must be in the future');
  return at;
}

const wrong = (element: string, diagnostics: string): Refusal =>
  new Refusal('resource-invalid', {
    issues: [{ code: 'not-supported', diagnostics, expression: `Subscription.${element}` }],
  });
