/** A message to one person, as plain text. Never anything clinical: mail is read by others, and kept by many. */
export type Message = { to: string; subject: string; text: string };

/** What a message is for, as the outbox and its counts name it. */
export type MessageKind =
  | 'invitation'
  | 'join-confirm'
  | 'join-known-address'
  | 'joined'
  | 'letter'
  | 'password-link'
  | 'password-changed'
  | 'account-closed';

/** Whether mail can be sent to what was typed: one address, nothing that a mail server might read as more. */
export function isEmailAddress(text: string): boolean {
  return (
    text.length <= 254 &&
    /^[^\s@,;:<>()[\]\\"]{1,64}@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/i.test(text)
  );
}
