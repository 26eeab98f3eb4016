import type { PrivacyLabel } from '../../fhir/store/labels.ts';
import { type Concept, snomed } from './concepts.ts';
import type { MeasureKey } from './measures.ts';
import type { MedicineKey } from './medicines.ts';
import type { SpecialtyKey } from './services.ts';

export type ProblemKey = keyof typeof PROBLEMS;

/** What tells how an illness goes; blood pressure is two measures in one. */
type Trend = MeasureKey | 'bloodPressure';

export type Problem = {
  code: Concept;
  label: PrivacyLabel;
  /** Ages in years at which it begins. */
  onset: readonly [min: number, max: number];
  /** The share of people past the latest age of onset who have it. */
  prevalence: number;
  sex?: 'female' | 'male';
  /** Taken from onset on. */
  medicines: readonly MedicineKey[];
  /** Measured at reviews. */
  monitoring: readonly MeasureKey[];
  /** Measured once a year, and so seen to change. */
  trend?: Trend;
  specialty: SpecialtyKey;
  /** Over after some weeks; the others last. */
  passing?: boolean;
  /** How long its medicines are taken; unset: from then on. */
  courseDays?: number;
};

const general = (
  code: Concept,
  onset: Problem['onset'],
  prevalence: number,
  rest: Partial<Problem> & Pick<Problem, 'specialty'>,
): Problem => ({ code, label: 'GENERAL_HEALTH', onset, prevalence, medicines: [], monitoring: [], ...rest });

const labelled =
  (label: PrivacyLabel) =>
  (...rest: Parameters<typeof general>): Problem => ({ ...general(...rest), label });
const mental = labelled('MENTAL_HEALTH');
const sexual = labelled('SEXUAL_HEALTH');
const social = labelled('SOCIAL_CARE');

/** Long-term and common problems, roughly as often as they are met in England; SNOMED CT codes. */
export const PROBLEMS = {
  hypertension: general(snomed('59621000', 'Essential hypertension'), [35, 80], 0.45, {
    medicines: ['amlodipine', 'ramipril'],
    monitoring: ['sodium', 'potassium', 'creatinine', 'egfr'],
    trend: 'bloodPressure',
    specialty: 'practice',
  }),
  diabetes: general(snomed('44054006', 'Type 2 diabetes mellitus'), [38, 75], 0.16, {
    medicines: ['metformin', 'dapagliflozin', 'atorvastatin20'],
    monitoring: ['hba1c', 'cholesterol', 'hdl', 'creatinine', 'egfr'],
    trend: 'hba1c',
    specialty: 'diabetes',
  }),
  cholesterol: general(snomed('13644009', 'Hypercholesterolaemia'), [40, 70], 0.22, {
    medicines: ['atorvastatin20'],
    monitoring: ['cholesterol', 'hdl', 'ldl', 'triglycerides'],
    trend: 'cholesterol',
    specialty: 'practice',
  }),
  asthma: general(snomed('195967001', 'Asthma'), [4, 40], 0.12, {
    medicines: ['salbutamol', 'beclometasone'],
    monitoring: ['peakFlow'],
    trend: 'peakFlow',
    specialty: 'respiratory',
  }),
  copd: general(snomed('13645005', 'Chronic obstructive pulmonary disease'), [50, 78], 0.08, {
    medicines: ['umeclidinium', 'salbutamol'],
    monitoring: ['peakFlow', 'oxygen'],
    trend: 'peakFlow',
    specialty: 'respiratory',
  }),
  ischaemia: general(snomed('414545008', 'Ischaemic heart disease'), [48, 80], 0.13, {
    medicines: ['aspirin', 'bisoprolol', 'atorvastatin40'],
    monitoring: ['cholesterol', 'ldl'],
    specialty: 'cardiology',
  }),
  fibrillation: general(snomed('49436004', 'Atrial fibrillation'), [58, 86], 0.12, {
    medicines: ['apixaban', 'bisoprolol'],
    monitoring: ['creatinine', 'egfr', 'haemoglobin'],
    trend: 'pulse',
    specialty: 'cardiology',
  }),
  heartFailure: general(snomed('84114007', 'Heart failure'), [62, 88], 0.07, {
    medicines: ['furosemide', 'bisoprolol', 'ramipril', 'dapagliflozin'],
    monitoring: ['sodium', 'potassium', 'creatinine', 'egfr'],
    trend: 'weight',
    specialty: 'cardiology',
  }),
  kidney: general(snomed('433144002', 'Chronic kidney disease stage 3'), [60, 88], 0.16, {
    monitoring: ['creatinine', 'egfr', 'potassium', 'haemoglobin'],
    trend: 'egfr',
    specialty: 'renal',
  }),
  thyroid: general(snomed('40930008', 'Hypothyroidism'), [28, 70], 0.07, {
    medicines: ['levothyroxine'],
    monitoring: ['tsh', 'thyroxine'],
    trend: 'tsh',
    specialty: 'practice',
  }),
  arthritis: general(snomed('239873007', 'Osteoarthritis of knee'), [50, 82], 0.3, {
    medicines: ['paracetamol'],
    specialty: 'orthopaedics',
  }),
  reflux: general(snomed('235595009', 'Gastro-oesophageal reflux disease'), [25, 70], 0.15, {
    medicines: ['omeprazole'],
    specialty: 'practice',
  }),
  anaemia: general(snomed('87522002', 'Iron deficiency anaemia'), [15, 60], 0.1, {
    sex: 'female',
    medicines: ['ferrousFumarate'],
    courseDays: 180,
    monitoring: ['haemoglobin', 'ferritin'],
    trend: 'haemoglobin',
    specialty: 'practice',
  }),
  migraine: general(snomed('37796009', 'Migraine'), [12, 45], 0.12, {
    medicines: ['propranolol'],
    specialty: 'practice',
  }),
  eczema: general(snomed('24079001', 'Atopic dermatitis'), [0, 12], 0.14, { specialty: 'practice' }),

  depression: mental(snomed('35489007', 'Depressive disorder'), [16, 70], 0.2, {
    medicines: ['citalopram'],
    monitoring: ['phq9', 'gad7'],
    trend: 'phq9',
    specialty: 'therapies',
  }),
  anxiety: mental(snomed('21897009', 'Generalised anxiety disorder'), [14, 55], 0.13, {
    monitoring: ['gad7', 'phq9'],
    trend: 'gad7',
    specialty: 'therapies',
  }),
  schizophrenia: mental(snomed('58214004', 'Schizophrenia'), [18, 35], 0.015, {
    medicines: ['olanzapine'],
    monitoring: ['phq9'],
    specialty: 'psychiatry',
  }),
  attention: mental(snomed('406506008', 'Attention deficit hyperactivity disorder'), [6, 14], 0.05, {
    specialty: 'children',
  }),
  dementia: mental(snomed('26929004', "Alzheimer's disease"), [70, 90], 0.12, {
    monitoring: ['moca'],
    trend: 'moca',
    specialty: 'psychiatry',
  }),

  chlamydia: sexual(snomed('240589008', 'Chlamydia trachomatis infection'), [17, 30], 0.1, {
    medicines: ['azithromycin'],
    courseDays: 3,
    monitoring: ['chlamydiaTest'],
    specialty: 'sexualHealth',
    passing: true,
  }),
  herpes: sexual(snomed('33839006', 'Genital herpes simplex'), [18, 45], 0.05, {
    medicines: ['aciclovir'],
    specialty: 'sexualHealth',
  }),
  warts: sexual(snomed('266113007', 'Genital warts'), [17, 35], 0.05, {
    specialty: 'sexualHealth',
    passing: true,
  }),
  hiv: sexual(snomed('86406008', 'Human immunodeficiency virus infection'), [20, 55], 0.012, {
    medicines: ['dolutegravir'],
    monitoring: ['hivViralLoad'],
    trend: 'hivViralLoad',
    specialty: 'sexualHealth',
  }),

  alone: social(snomed('105529008', 'Lives alone'), [60, 88], 0.35, { specialty: 'socialCare' }),
  isolation: social(snomed('422650009', 'Social isolation'), [30, 85], 0.1, { specialty: 'socialCare' }),
  falls: social(snomed('129839007', 'At increased risk for falls'), [72, 90], 0.4, {
    monitoring: ['barthel'],
    specialty: 'socialCare',
  }),
  housing: social(snomed('105531004', 'Housing unsatisfactory'), [0, 60], 0.04, { specialty: 'socialCare' }),
} satisfies Record<string, Problem>;

/** What children and healthy people see a practice for: short, and gone. */
export const MINOR_ILLNESSES = [
  { code: snomed('195662009', 'Acute viral pharyngitis'), ages: [0, 60] },
  { code: snomed('65363002', 'Otitis media'), ages: [0, 12] },
  { code: snomed('10509002', 'Acute bronchitis'), ages: [2, 100], antibiotic: true },
  { code: snomed('43878008', 'Streptococcal sore throat'), ages: [4, 40], antibiotic: true },
  {
    code: snomed('68566005', 'Urinary tract infectious disease'),
    ages: [16, 100],
    sex: 'female',
    urinary: true,
  },
  { code: snomed('25374005', 'Gastroenteritis'), ages: [0, 100] },
  { code: snomed('279039007', 'Low back pain'), ages: [20, 100] },
  { code: snomed('444814009', 'Viral sinusitis'), ages: [10, 100] },
] as const;
