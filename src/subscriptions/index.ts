export { checkedEndpoint } from './endpoint.ts';
export { notificationEntry } from './notification-bundle.ts';
export { pushRoutes } from './routes.ts';
export { seal } from './seal.ts';
export { GIVE_UP_AFTER_SECONDS, headersPurpose, RETRY_AFTER_SECONDS } from './send-due.ts';
export { type NotificationEvent, statusParameters } from './status-parameters.ts';
export { canonicalOf, TOPICS, type Topic, topicOf } from './topics.ts';
