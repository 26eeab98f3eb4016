import { PRIVACY_LABELS } from '../../connections/privacy-labels.ts';

/** What each privacy label is about, as patients are asked. */
const HINTS: Record<(typeof PRIVACY_LABELS)[number]['code'], string> = {
  GENERAL_HEALTH:
    'Problems, medicines, allergies, test results, appointments and letters that are under no other heading.',
  MENTAL_HEALTH: 'Talking therapies, psychiatry, and medicines and notes that belong to them.',
  SEXUAL_HEALTH:
    'Contraception, sexually transmitted infections, HIV, fertility and pregnancy care in such clinics.',
  SOCIAL_CARE: 'Support at home, carers, safeguarding and what councils and social workers wrote.',
};

/** The four labels with a tick where `bits` has one. */
export const labelChoices = (bits: number) =>
  PRIVACY_LABELS.map(({ code, name }, n) => ({
    code,
    name,
    hint: HINTS[code],
    shared: ((bits >> n) & 1) === 1,
  }));

/** 'general health and social care', 'everything', 'nothing'. */
export function labelsInWords(bits: number): string {
  const names = PRIVACY_LABELS.filter((_, n) => (bits >> n) & 1).map(({ name }) => name.toLowerCase());
  if (names.length === PRIVACY_LABELS.length) return 'everything';
  return names.length === 0 ? 'nothing' : new Intl.ListFormat('en-GB').format(names);
}
