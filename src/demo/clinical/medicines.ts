import { type Concept, dmd, snomed } from './concepts.ts';

export type MedicineKey = keyof typeof MEDICINES;
export type Medicine = { code: Concept; text?: string; dose: string; perDay?: number; asNeeded?: boolean };

/** Medicines as prescribed in England: dm+d virtual products where there is one, else SNOMED CT. */
export const MEDICINES = {
  aciclovir: {
    code: dmd('324729006', 'Aciclovir 400mg tablets'),
    dose: 'One tablet three times a day for five days, when it comes back',
    asNeeded: true,
  },
  amlodipine: { code: dmd('319283006', 'Amlodipine 5mg tablets'), dose: 'One tablet once a day', perDay: 1 },
  amoxicillin: {
    code: dmd('39732411000001106', 'Amoxicillin 500mg capsules'),
    dose: 'One capsule three times a day for seven days',
    perDay: 3,
  },
  apixaban: { code: dmd('703908001', 'Apixaban 5mg tablets'), dose: 'One tablet twice a day', perDay: 2 },
  aspirin: {
    code: snomed('319775004', 'Aspirin 75 mg oral tablet'),
    dose: 'One tablet once a day after food',
    perDay: 1,
  },
  atorvastatin20: {
    code: dmd('320030001', 'Atorvastatin 20mg tablets'),
    dose: 'One tablet at night',
    perDay: 1,
  },
  atorvastatin40: {
    code: dmd('320031002', 'Atorvastatin 40mg tablets'),
    dose: 'One tablet at night',
    perDay: 1,
  },
  azithromycin: {
    code: dmd('324258005', 'Azithromycin 500mg tablets'),
    dose: 'Two tablets on the first day, then one a day for two days',
    perDay: 1,
  },
  beclometasone: {
    code: dmd('35908111000001105', 'Beclometasone 100micrograms/dose inhaler CFC free'),
    dose: 'Two puffs twice a day',
    perDay: 2,
  },
  bisoprolol: {
    code: dmd('318605000', 'Bisoprolol 2.5mg tablets'),
    dose: 'One tablet in the morning',
    perDay: 1,
  },
  citalopram: {
    code: snomed('321987003', 'Citalopram 20 mg oral tablet'),
    dose: 'One tablet in the morning',
    perDay: 1,
  },
  clarithromycin: {
    code: dmd('324238009', 'Clarithromycin 250mg tablets'),
    dose: 'One tablet twice a day for seven days',
    perDay: 2,
  },
  dapagliflozin: {
    code: dmd('703680009', 'Dapagliflozin 10mg tablets'),
    dose: 'One tablet once a day',
    perDay: 1,
  },
  desogestrel: {
    code: dmd('41874011000001104', 'Desogestrel 75microgram tablets'),
    dose: 'One tablet a day at the same time, without a break',
    perDay: 1,
  },
  dolutegravir: {
    code: dmd('37531111000001103', 'Dolutegravir 50mg / Lamivudine 300mg tablets'),
    dose: 'One tablet once a day',
    perDay: 1,
  },
  ferrousFumarate: {
    code: dmd('41984711000001104', 'Ferrous fumarate 210mg tablets'),
    dose: 'One tablet once a day',
    perDay: 1,
  },
  furosemide: {
    code: dmd('42294811000001108', 'Furosemide 40mg tablets'),
    dose: 'One tablet in the morning',
    perDay: 1,
  },
  levothyroxine: {
    code: dmd('10071011000001106', 'Levothyroxine'),
    text: 'Levothyroxine sodium 100microgram tablets',
    dose: 'One tablet before breakfast',
    perDay: 1,
  },
  metformin: {
    code: dmd('325278007', 'Metformin 500mg tablets'),
    dose: 'One tablet twice a day with meals',
    perDay: 2,
  },
  olanzapine: {
    code: dmd('42275511000001103', 'Olanzapine 10mg tablets'),
    dose: 'One tablet at night',
    perDay: 1,
  },
  omeprazole: {
    code: dmd('317291008', 'Omeprazole 20mg gastro-resistant capsules'),
    dose: 'One capsule before breakfast',
    perDay: 1,
  },
  paracetamol: {
    code: snomed('322236009', 'Paracetamol 500 mg oral tablet'),
    dose: 'Two tablets up to four times a day for pain',
    asNeeded: true,
  },
  propranolol: {
    code: dmd('318353009', 'Propranolol 40mg tablets'),
    dose: 'One tablet twice a day',
    perDay: 2,
  },
  ramipril: {
    code: dmd('42381611000001104', 'Ramipril 5mg capsules'),
    dose: 'One capsule once a day',
    perDay: 1,
  },
  salbutamol: {
    code: dmd('39113611000001102', 'Salbutamol 100micrograms/dose inhaler CFC free'),
    dose: 'Two puffs when needed',
    asNeeded: true,
  },
  trimethoprim: {
    code: dmd('324431001', 'Trimethoprim 200mg tablets'),
    dose: 'One tablet twice a day for three days',
    perDay: 2,
  },
  umeclidinium: {
    code: dmd(
      '24645511000001105',
      'Umeclidinium bromide 65micrograms/dose / Vilanterol 22micrograms/dose dry powder inhaler',
    ),
    dose: 'One puff once a day',
    perDay: 1,
  },
} satisfies Record<string, Medicine>;
