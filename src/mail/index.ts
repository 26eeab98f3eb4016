export { createMail, type Mail, putMessage } from './mail.ts';
export { isEmailAddress, type Message, type MessageKind } from './message.ts';
export { outboxRoutes } from './outbox-routes.ts';
