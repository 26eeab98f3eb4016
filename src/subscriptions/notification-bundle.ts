import { statusParameters } from './status-parameters.ts';
import type { Taken } from './store.ts';

/**
 * What is sent: a Bundle of type `history` with a status and, for an event, the address of what it is about
 * (Subscriptions R5 Backport 1.1 for R4, payload `id-only`). Nothing in it is personal but ids.
 * @param base the organisation's FHIR base
 */
export function notificationBundle(taken: Taken, base: string, now: Date): string {
  const { id, topic, focusType, focusId, patientId, number } = taken;
  const focus = focusType && focusId ? `${focusType}/${focusId}` : null;
  const subscription = `${base}/Subscription/${taken.subscriptionId}`;
  const handshake = topic === 'handshake';
  const status = statusParameters({
    id,
    subscription,
    topic: taken.subscribedTopic,
    status: taken.status,
    type: handshake ? 'handshake' : 'event-notification',
    events: number ?? '0',
    notifications: handshake
      ? []
      : [{ number: number ?? '0', at: taken.at, change: taken.change, focus, patientId }],
  });
  return JSON.stringify({
    resourceType: 'Bundle',
    id,
    type: 'history',
    timestamp: now.toISOString(),
    entry: [
      {
        fullUrl: `urn:uuid:${id}`,
        resource: status,
        request: { method: 'GET', url: `${subscription}/$status` },
        response: { status: '200' },
      },
      ...(focus ? [notificationEntry(base, focus, taken.change)] : []),
    ],
  });
}

/** The entry for what an event is about (`Observation/…`), without it: which and what happened to it. */
export function notificationEntry(base: string, focus: string, change: string) {
  const method = METHODS[change] ?? 'PUT';
  return {
    fullUrl: `${base}/${focus}`,
    request: { method, url: method === 'POST' ? focus.split('/')[0] : focus },
    response: { status: RESPONSES[method] },
  };
}

const METHODS: Record<string, 'POST' | 'PUT' | 'DELETE' | undefined> = {
  create: 'POST',
  update: 'PUT',
  delete: 'DELETE',
};
const RESPONSES = { POST: '201', PUT: '200', DELETE: '204' };
