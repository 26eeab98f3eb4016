import { type Concept, dmd, snomed } from './concepts.ts';

export type Vaccine = {
  product: Concept;
  against: Concept;
  dose: number;
  route: Concept;
  /** Weeks after birth in the routine programme, or years when `years` says so. */
  at: number;
  years?: true;
  /** Who still lives through the programme: only people born at most so many years ago had it. */
  sinceYears: number;
  uptake: number;
};

const INTO_MUSCLE = snomed('78421000', 'Intramuscular route');
const BY_MOUTH = snomed('26643006', 'Oral route');

const PRODUCTS = {
  sixInOne: [
    dmd(
      '34765811000001105',
      'Infanrix Hexa vaccine powder and suspension for suspension for injection 0.5ml pre-filled syringes (GlaxoSmithKline UK Ltd)',
    ),
    snomed('27836007', 'Pertussis'),
  ],
  rotavirus: [
    dmd('34609911000001106', 'Rotarix vaccine live oral suspension 1.5ml tube (GlaxoSmithKline UK Ltd)'),
    snomed('186150001', 'Enteritis caused by rotavirus'),
  ],
  meningitisB: [
    dmd(
      '23584211000001109',
      'Bexsero vaccine suspension for injection 0.5ml pre-filled syringes (GlaxoSmithKline UK Ltd)',
    ),
    snomed('23511006', 'Meningococcal infectious disease'),
  ],
  pneumococcal: [
    dmd(
      '16649411000001104',
      'Prevenar 13 vaccine suspension for injection 0.5ml pre-filled syringes (Pfizer Ltd)',
    ),
    snomed('16814004', 'Pneumococcal infectious disease'),
  ],
  hibMenC: [
    dmd(
      '9903711000001109',
      'Menitorix powder and solvent for solution for injection 0.5ml vials (GlaxoSmithKline)',
    ),
    snomed('709410003', 'Haemophilus influenzae type b infection'),
  ],
  measles: [
    dmd(
      '13968211000001108',
      'M-M-RVAXPRO vaccine powder and solvent for suspension for injection 0.5ml pre-filled syringes (Merck Sharp & Dohme (UK) Ltd)',
    ),
    snomed('14189004', 'Measles'),
  ],
  fourInOne: [
    dmd(
      '26267211000001100',
      'Boostrix-IPV suspension for injection 0.5ml pre-filled syringes (GlaxoSmithKline UK Ltd)',
    ),
    snomed('27836007', 'Pertussis'),
  ],
  papilloma: [
    dmd(
      '33493111000001108',
      'Gardasil 9 vaccine suspension for injection 0.5ml pre-filled syringes (Merck Sharp & Dohme (UK) Ltd)',
    ),
    snomed('240532009', 'Human papilloma virus infection'),
  ],
  threeInOne: [
    dmd(
      '7374511000001107',
      'Revaxis vaccine suspension for injection 0.5ml pre-filled syringes (Sanofi) 1 pre-filled disposable injection',
    ),
    snomed('76902006', 'Tetanus'),
  ],
  meningitisAcwy: [
    dmd('39779611000001104', 'MenQuadfi vaccine solution for injection 0.5ml vials (Sanofi)'),
    snomed('23511006', 'Meningococcal infectious disease'),
  ],
  shingles: [
    dmd(
      '39655511000001105',
      'Shingrix (Herpes Zoster) adjuvanted recombinant vaccine powder and suspension for suspension for injection 0.5ml vials (GlaxoSmithKline UK Ltd)',
    ),
    snomed('4740000', 'Herpes zoster'),
  ],
} satisfies Record<string, readonly [Concept, Concept]>;

const weeks = (
  key: keyof typeof PRODUCTS,
  dose: number,
  at: number,
  sinceYears: number,
  rest: Partial<Vaccine> = {},
): Vaccine => ({
  product: PRODUCTS[key][0],
  against: PRODUCTS[key][1],
  dose,
  at,
  route: INTO_MUSCLE,
  sinceYears,
  uptake: 0.93,
  ...rest,
});
const years: typeof weeks = (key, dose, at, sinceYears, rest) =>
  weeks(key, dose, at, sinceYears, { years: true, uptake: 0.82, ...rest });

/** The routine programme of the United Kingdom, somewhat simplified. */
export const ROUTINE: readonly Vaccine[] = [
  weeks('sixInOne', 1, 8, 9),
  weeks('rotavirus', 1, 8, 13, { route: BY_MOUTH }),
  weeks('meningitisB', 1, 8, 11),
  weeks('sixInOne', 2, 12, 9),
  weeks('rotavirus', 2, 12, 13, { route: BY_MOUTH }),
  weeks('pneumococcal', 1, 12, 16),
  weeks('sixInOne', 3, 16, 9),
  weeks('meningitisB', 2, 16, 11),
  years('hibMenC', 1, 1.02, 18, { uptake: 0.9 }),
  years('measles', 1, 1.02, 35, { uptake: 0.9 }),
  years('pneumococcal', 2, 1.02, 16, { uptake: 0.9 }),
  years('meningitisB', 3, 1.02, 11, { uptake: 0.9 }),
  years('fourInOne', 1, 3.35, 20, { uptake: 0.86 }),
  years('measles', 2, 3.35, 30, { uptake: 0.86 }),
  years('papilloma', 1, 12.6, 22, { uptake: 0.72 }),
  years('threeInOne', 1, 14.2, 45, { uptake: 0.78 }),
  years('meningitisAcwy', 1, 14.2, 24, { uptake: 0.78 }),
  years('shingles', 1, 70.3, 82, { uptake: 0.6 }),
  years('shingles', 2, 70.9, 82, { uptake: 0.55 }),
];

export const INFLUENZA = {
  product: dmd(
    '34680411000001107',
    'Quadrivalent influenza vaccine (split virion, inactivated) suspension for injection 0.5ml pre-filled syringes (Sanofi Pasteur)',
  ),
  against: snomed('6142004', 'Influenza'),
  route: INTO_MUSCLE,
};

export const COVID = {
  product: dmd(
    '43111411000001101',
    'Comirnaty JN.1 COVID-19 mRNA Vaccine 30micrograms/0.3ml dose dispersion for injection multidose vials (Pfizer Ltd)',
  ),
  against: snomed('840539006', 'Disease caused by severe acute respiratory syndrome coronavirus 2'),
  route: INTO_MUSCLE,
};

export const ARMS = [
  snomed('368208006', 'Left upper arm structure'),
  snomed('368209003', 'Right upper arm structure'),
] as const;
export const THIGH = snomed('61396006', 'Structure of left thigh');
