export { type BinaryAddress, binaryAt, ownAddress } from './binary-address.ts';
export {
  ATTACHMENT_BYTES_MAX,
  ATTACHMENTS_MAX,
  type AttachmentProblem,
  type CheckAttachments,
  createCheckAttachments,
} from './check-attachments.ts';
export { type ContentKind, contentKind, KINDS, textOf } from './content-kind.ts';
export { createHtmlBudget } from './html-budget.ts';
export { htmlPage, safeHtml } from './safe-html.ts';
