export {
  ATTACHMENT_BYTES_MAX,
  type AttachmentProblem,
  type CheckAttachments,
  createCheckAttachments,
} from './check-attachments.ts';
export { type ContentKind, contentKind, KINDS, textOf } from './content-kind.ts';
export { safeHtml } from './safe-html.ts';
