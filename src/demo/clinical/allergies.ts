import type { AllergyIntolerance } from '@medplum/fhirtypes';
import { type Concept, snomed } from './concepts.ts';
import type { MedicineKey } from './medicines.ts';

type Allergy = {
  code: Concept;
  category: NonNullable<AllergyIntolerance['category']>[number];
  share: number;
  criticality: AllergyIntolerance['criticality'];
  signs: readonly Concept[];
  /** What must then not be given. */
  never?: readonly MedicineKey[];
};

const RASH = snomed('271807003', 'Eruption of skin');
const HIVES = snomed('126485001', 'Urticaria');
const ANAPHYLAXIS = snomed('39579001', 'Anaphylaxis');
const SNEEZING = snomed('76067001', 'Sneezing');
const VOMITING = snomed('422400008', 'Vomiting');
const WHEEZE = snomed('56018004', 'Wheezing');

/** Allergies with the share of people who have them; the finding codes are SNOMED CT's. */
export const ALLERGIES: readonly Allergy[] = [
  {
    code: snomed('91936005', 'Allergy to penicillin'),
    category: 'medication',
    share: 0.08,
    criticality: 'high',
    signs: [RASH, HIVES, ANAPHYLAXIS],
    never: ['amoxicillin'],
  },
  {
    code: snomed('293586001', 'Allergy to aspirin'),
    category: 'medication',
    share: 0.01,
    criticality: 'low',
    signs: [HIVES, WHEEZE],
    never: ['aspirin'],
  },
  {
    code: snomed('300916003', 'Allergy to latex'),
    category: 'environment',
    share: 0.015,
    criticality: 'low',
    signs: [RASH],
  },
  {
    code: snomed('91935009', 'Allergy to peanut'),
    category: 'food',
    share: 0.02,
    criticality: 'high',
    signs: [ANAPHYLAXIS, HIVES, VOMITING],
  },
  {
    code: snomed('418689008', 'Allergy to grass pollen'),
    category: 'environment',
    share: 0.12,
    criticality: 'low',
    signs: [SNEEZING],
  },
  {
    code: snomed('232350006', 'Allergy to house dust mite'),
    category: 'environment',
    share: 0.06,
    criticality: 'low',
    signs: [SNEEZING, WHEEZE],
  },
  {
    code: snomed('91930004', 'Allergy to egg protein'),
    category: 'food',
    share: 0.012,
    criticality: 'low',
    signs: [HIVES, VOMITING],
  },
];

export const NO_KNOWN_ALLERGY = snomed('716186003', 'No known allergy');
