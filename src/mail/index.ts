export { createMail, type Mail } from './mail.ts';
export { isEmailAddress, type Message, type MessageKind } from './message.ts';
export { outboxRoutes } from './outbox-routes.ts';
