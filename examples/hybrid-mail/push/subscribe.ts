import type { Subscription } from '@medplum/fhirtypes';
import type { FhirClient } from '../../shared/fhir-client.ts';

const LETTER_READ = 'urn:connected-systems:topic:letter-read';

/**
 * The subscription with which this endpoint is told of letters that are read: the one that is there, or a new one. The
 * service holds the truth about it, so a run after a break is told what it missed.
 */
export async function subscribe(client: FhirClient, endpoint: string): Promise<Subscription[]> {
  const there = await ours(client, endpoint);
  if (there.length > 0) return there;
  await client.create({
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'To print what was not read',
    criteria: LETTER_READ,
    channel: { type: 'rest-hook', endpoint, payload: 'application/fhir+json' },
  } satisfies Subscription);
  // An answer that was lost on its way may have left two: both are ours.
  return ours(client, endpoint);
}

/** Ends it, so that nothing is sent to an address where nobody listens any more. */
export async function unsubscribe(client: FhirClient, endpoint: string): Promise<void> {
  for (const { id } of await ours(client, endpoint)) await client.remove('Subscription', id!);
}

/** Those that tell this endpoint; a system’s list holds its own subscriptions alone. */
export async function ours(client: FhirClient, endpoint: string): Promise<Subscription[]> {
  const found: Subscription[] = [];
  for await (const one of client.search('Subscription', {})) {
    if (one.criteria === LETTER_READ && one.channel.endpoint === endpoint && one.status !== 'off')
      found.push(one);
  }
  return found;
}
