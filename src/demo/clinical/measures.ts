import { type Concept, loinc } from './concepts.ts';

export type MeasureKey = keyof typeof MEASURES;
type MeasureCategory = 'vital-signs' | 'laboratory' | 'survey';

export type Measure = {
  code: Concept;
  category: MeasureCategory;
  /** As people read it, and in UCUM when that differs. */
  unit: string;
  ucum?: string;
  decimals: number;
  /** What laboratories print beside the result. */
  low?: number;
  high?: number;
};

const vital = (
  code: string,
  display: string,
  unit: string,
  decimals: number,
  rest: Partial<Measure> = {},
): Measure => ({
  code: loinc(code, display),
  category: 'vital-signs',
  unit,
  decimals,
  ...rest,
});
const laboratory: typeof vital = (...rest) => ({ ...vital(...rest), category: 'laboratory' });
const score = (code: string, display: string, high?: number): Measure => ({
  ...vital(code, display, '{score}', 0, { high }),
  category: 'survey',
});

/** What is measured, with LOINC codes and UCUM units; reference ranges are those of adults. */
export const MEASURES = {
  height: vital('8302-2', 'Body height', 'cm', 1),
  weight: vital('29463-7', 'Body weight', 'kg', 1),
  bmi: vital('39156-5', 'Body mass index (BMI) [Ratio]', 'kg/m2', 1),
  pulse: vital('8867-4', 'Heart rate', 'beats/minute', 0, { ucum: '/min' }),
  temperature: vital('8310-5', 'Body temperature', '°C', 1, { ucum: 'Cel' }),
  respiration: vital('9279-1', 'Respiratory rate', 'breaths/minute', 0, { ucum: '/min' }),
  oxygen: vital('2708-6', 'Oxygen saturation in Arterial blood', '%', 0),
  peakFlow: { ...vital('19935-6', 'Maximum expiratory gas flow Respiratory system airway', 'L/min', 0) },

  hba1c: laboratory('59261-8', 'Hemoglobin A1c/Hemoglobin.total in Blood by IFCC protocol', 'mmol/mol', 0, {
    low: 20,
    high: 41,
  }),
  cholesterol: laboratory('14647-2', 'Cholesterol [Moles/volume] in Serum or Plasma', 'mmol/L', 1, {
    high: 5,
  }),
  hdl: laboratory('14646-4', 'Cholesterol in HDL [Moles/volume] in Serum or Plasma', 'mmol/L', 1, { low: 1 }),
  ldl: laboratory('22748-8', 'Cholesterol in LDL [Moles/volume] in Serum or Plasma', 'mmol/L', 1, {
    high: 3,
  }),
  triglycerides: laboratory('14927-8', 'Triglyceride [Moles/volume] in Serum or Plasma', 'mmol/L', 1, {
    high: 1.7,
  }),
  sodium: laboratory('2951-2', 'Sodium [Moles/volume] in Serum or Plasma', 'mmol/L', 0, {
    low: 133,
    high: 146,
  }),
  potassium: laboratory('2823-3', 'Potassium [Moles/volume] in Serum or Plasma', 'mmol/L', 1, {
    low: 3.5,
    high: 5.3,
  }),
  creatinine: laboratory('14682-9', 'Creatinine [Moles/volume] in Serum or Plasma', 'umol/L', 0, {
    low: 45,
    high: 104,
  }),
  egfr: laboratory(
    '62238-1',
    'Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum, Plasma or Blood by Creatinine-based formula (CKD-EPI)',
    'mL/min/1.73m2',
    0,
    { ucum: 'mL/min/{1.73_m2}', low: 60 },
  ),
  haemoglobin: laboratory('718-7', 'Hemoglobin [Mass/volume] in Blood', 'g/L', 0, { low: 120, high: 165 }),
  whiteCells: laboratory('6690-2', 'Leukocytes [#/volume] in Blood by Automated count', '10*9/L', 1, {
    low: 4,
    high: 11,
  }),
  platelets: laboratory('777-3', 'Platelets [#/volume] in Blood by Automated count', '10*9/L', 0, {
    low: 150,
    high: 450,
  }),
  ferritin: laboratory('2276-4', 'Ferritin [Mass/volume] in Serum or Plasma', 'ug/L', 0, {
    low: 15,
    high: 300,
  }),
  tsh: laboratory('3016-3', 'Thyrotropin [Units/volume] in Serum or Plasma', 'mIU/L', 2, {
    ucum: 'm[IU]/L',
    low: 0.27,
    high: 4.2,
  }),
  thyroxine: laboratory('14920-3', 'Thyroxine (T4) free [Moles/volume] in Serum or Plasma', 'pmol/L', 1, {
    low: 11,
    high: 22,
  }),
  chlamydiaTest: laboratory(
    '21613-5',
    'Chlamydia trachomatis DNA [Presence] in Specimen by NAA with probe detection',
    '',
    0,
  ),
  hivViralLoad: laboratory(
    '25836-8',
    'HIV 1 RNA [#/volume] (viral load) in Specimen by NAA with probe detection',
    'copies/mL',
    0,
    {
      ucum: '{copies}/mL',
      high: 50,
    },
  ),

  phq9: score('44261-6', 'Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]', 9),
  gad7: score('70274-6', 'Generalized anxiety disorder 7 item (GAD-7) total score [Reported.PHQ]', 9),
  moca: score('72172-0', 'Total score [MoCA]'),
  barthel: score('96761-2', 'Total score Barthel Index'),
} satisfies Record<string, Measure>;

/** Several results under one request, as laboratories report them. */
export const PANELS = {
  lipids: {
    code: loinc('57698-3', 'Lipid panel with direct LDL - Serum or Plasma'),
    of: ['cholesterol', 'hdl', 'ldl', 'triglycerides'],
  },
  kidneys: {
    code: loinc('24362-6', 'Renal function 2000 panel - Serum or Plasma'),
    of: ['sodium', 'potassium', 'creatinine', 'egfr'],
  },
  bloodCount: {
    code: loinc('58410-2', 'CBC panel - Blood by Automated count'),
    of: ['haemoglobin', 'whiteCells', 'platelets'],
  },
  thyroid: { code: loinc('24348-5', 'Thyroid function panel - Serum or Plasma'), of: ['tsh', 'thyroxine'] },
  diabetes: {
    code: loinc('59261-8', 'Hemoglobin A1c/Hemoglobin.total in Blood by IFCC protocol'),
    of: ['hba1c'],
  },
} as const satisfies Record<string, { code: Concept; of: readonly MeasureKey[] }>;

export type PanelKey = keyof typeof PANELS;
