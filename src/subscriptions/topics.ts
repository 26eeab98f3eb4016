/** What a system can be told of; the name is the end of the topic's canonical address. */
export const TOPICS = [
  'letter-read',
  'patient-registered',
  'invitation-used',
  'record-changed',
  'connection-changed',
] as const;

export type Topic = (typeof TOPICS)[number];

const PREFIX = 'urn:connected-systems:topic:';

/** The canonical of a topic (`Subscription.criteria` of the R4 backport). */
export const canonicalOf = (topic: Topic): string => `${PREFIX}${topic}`;

export const topicOf = (canonical: unknown): Topic | undefined =>
  TOPICS.find((topic) => canonicalOf(topic) === canonical);
