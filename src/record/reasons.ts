/** Why somebody broke the glass, as the form asks it and the patient is told it. */
export const REASONS = {
  emergency: 'The patient needs treatment urgently',
  safeguarding: 'Somebody is at risk of serious harm',
  asked: 'The patient is with me and asked me to',
  other: 'Another reason',
} as const;

export type Reason = keyof typeof REASONS;
