import type { PrivacyLabel } from '../../fhir/store/labels.ts';
import type { OrganisationKind } from '../organisations.ts';
import { type Concept, snomed } from './concepts.ts';

export type SpecialtyKey = keyof typeof SPECIALTIES;

export type Specialty = {
  name: string;
  /** Absent where SNOMED CT has no plain equal of the service; the name alone is valid FHIR. */
  code?: Concept;
  /** Who provides it, the likeliest first. */
  by: readonly OrganisationKind[];
  /** What its notes carry. */
  label: PrivacyLabel;
};

const HOSPITAL: Specialty['by'] = ['hospital', 'practice', 'community'];
const COMMUNITY: Specialty['by'] = ['community', 'practice', 'hospital'];

const general = (code: string, name: string, by = HOSPITAL): Specialty => ({
  name,
  code: snomed(code, name),
  by,
  label: 'GENERAL_HEALTH',
});

/** The services that see patients in the demo world. */
export const SPECIALTIES = {
  practice: general('394814009', 'General practice', ['practice', 'hospital', 'community']),
  cardiology: general('394579002', 'Cardiology'),
  diabetes: general('394583002', 'Endocrinology'),
  respiratory: general('418112009', 'Respiratory medicine'),
  renal: general('394589003', 'Nephrology'),
  orthopaedics: general('394801008', 'Trauma and orthopaedics'),
  children: general('394537008', 'Paediatrics', ['hospital', 'community', 'practice']),
  therapies: { name: 'Talking therapies', by: COMMUNITY, label: 'MENTAL_HEALTH' },
  psychiatry: { ...general('394587001', 'Psychiatry', COMMUNITY), label: 'MENTAL_HEALTH' },
  sexualHealth: { name: 'Sexual health', by: COMMUNITY, label: 'SEXUAL_HEALTH' },
  socialCare: { name: 'Adult social care', by: COMMUNITY, label: 'SOCIAL_CARE' },
} satisfies Record<string, Specialty>;
