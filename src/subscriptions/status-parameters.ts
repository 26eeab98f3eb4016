import { canonicalOf, type Topic } from './topics.ts';

export type NotificationEvent = {
  number: string;
  at: Date;
  change: string;
  /** 'Observation/…'; null when the connection itself is meant. */
  focus: string | null;
  patientId: string | null;
  /** Of those that are asked about: how often and when last it was tried, when it was given up, and what was wrong last. */
  attempts?: number;
  triedAt?: Date | null;
  deadAt?: Date | null;
  error?: string | null;
};

export type Status = {
  id: string;
  subscription: string;
  topic: Topic;
  status: string;
  type: 'handshake' | 'event-notification' | 'query-status' | 'query-event';
  events: string;
  error?: string | null;
  notifications?: readonly NotificationEvent[];
};

/** The Parameters that stand for a SubscriptionStatus in R4 (Subscriptions R5 Backport 1.1, section "R4 Status"). */
export function statusParameters(status: Status): object {
  return {
    resourceType: 'Parameters',
    id: status.id,
    meta: { profile: [PROFILE] },
    parameter: [
      { name: 'subscription', valueReference: { reference: status.subscription } },
      { name: 'topic', valueCanonical: canonicalOf(status.topic) },
      { name: 'status', valueCode: status.status },
      { name: 'type', valueCode: status.type },
      { name: 'events-since-subscription-start', valueString: status.events },
      ...(status.notifications ?? []).map(eventOf),
      ...(status.error ? [{ name: 'error', valueCodeableConcept: { text: status.error } }] : []),
    ],
  };
}

const PROFILE =
  'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4';

function eventOf({ number, at, change, focus, patientId, ...tried }: NotificationEvent) {
  const { attempts, triedAt, deadAt, error } = tried;
  return {
    name: 'notification-event',
    part: [
      { name: 'event-number', valueString: number },
      { name: 'timestamp', valueInstant: at.toISOString() },
      ...(focus ? [{ name: 'focus', valueReference: { reference: focus } }] : []),
      ...(patientId && focus !== `Patient/${patientId}`
        ? [{ name: 'additional-context', valueReference: { reference: `Patient/${patientId}` } }]
        : []),
      { name: 'change', valueCode: change },
      ...(attempts === undefined ? [] : [{ name: 'attempts', valueUnsignedInt: attempts }]),
      ...(triedAt ? [{ name: 'last-attempt', valueInstant: triedAt.toISOString() }] : []),
      ...(deadAt ? [{ name: 'given-up', valueInstant: deadAt.toISOString() }] : []),
      ...(error ? [{ name: 'error', valueString: error }] : []),
    ],
  };
}
