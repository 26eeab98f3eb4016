/** The four privacy labels of which every data point carries exactly one. */
export const LABELS = ['GENERAL_HEALTH', 'MENTAL_HEALTH', 'SEXUAL_HEALTH', 'SOCIAL_CARE'] as const;
export type Label = (typeof LABELS)[number];
