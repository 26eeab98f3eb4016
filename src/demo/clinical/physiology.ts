import type { Sex } from '../names.ts';
import type { Random } from '../random.ts';
import type { MeasureKey } from './measures.ts';
import type { ProblemKey } from './problems.ts';

export type Physiology = ReturnType<typeof createPhysiology>;

type Facts = {
  random: Random;
  sex: Sex;
  /** In years, on a day of the world. */
  ageAt: (day: number) => number;
  /** The day on which a problem was recognised and treatment began, if ever. */
  since: (problem: ProblemKey) => number | undefined;
};

/**
 * One body: what a measurement would show on any day. Values drift with age, are worse before a problem is
 * treated and better afterwards, and scatter a little, so that charts look like people's.
 */
export function createPhysiology({ random, sex, ageAt, since }: Facts) {
  const male = sex === 'male';
  const tall = random.normal(0, 1);
  const heavy = random.normal(0, 1);
  const tense = random.normal(0, 1);
  const own = {
    lipid: random.normal(0, 1),
    kidney: random.normal(0, 1),
    sugar: random.normal(0, 1),
    mood: random.normal(0, 1),
  };

  /** 1 at recognition, falling towards `floor` over the following year: how treatment works. */
  const untreated = (problem: ProblemKey, day: number, floor: number) => {
    const from = since(problem);
    if (from === undefined) return 0;
    const years = (day - from) / 365;
    return years < 0 ? Math.max(0, 1 + years / 3) : floor + (1 - floor) * Math.exp(-years * 2.5);
  };

  const height = (day: number) => {
    const age = ageAt(day);
    const growing = between(male ? BOYS_CM : GIRLS_CM, age);
    // From sixty on people shrink.
    return growing + tall * Math.min(7, 2 + age * 0.3) - Math.max(0, age - 60) * 0.12;
  };
  const weight = (day: number) => {
    const age = ageAt(day);
    if (age < 18) return between(male ? BOYS_KG : GIRLS_KG, age) * (1 + heavy * 0.09 + tall * 0.03);
    const index = 23.5 + heavy * 3.6 + Math.min(age - 18, 45) * 0.085 - Math.max(0, age - 75) * 0.12;
    const diabetic = since('diabetes') === undefined ? 0 : 4.2;
    return (index + diabetic) * (height(day) / 100) ** 2;
  };
  const filtration = (day: number) => {
    const lost = since('kidney') === undefined ? 0 : 22 + Math.max(0, (day - since('kidney')!) / 365) * 1.4;
    return Math.max(16, Math.min(120, 118 - Math.max(0, ageAt(day) - 25) * 0.72 + own.kidney * 7 - lost));
  };
  const creatinine = (day: number) => (male ? 7900 : 6300) / (filtration(day) + 8);
  const lipid = (day: number) =>
    own.lipid * 0.4 +
    untreated('cholesterol', day, 0.15) * 1.7 -
    (since('ischaemia') !== undefined && day > since('ischaemia')! ? 0.9 : 0);

  const measured: Record<MeasureKey, (day: number) => number> = {
    height,
    weight,
    bmi: (day) => measure('weight', day) / (measure('height', day) / 100) ** 2,
    pulse: (day) =>
      (ageAt(day) < 12 ? 112 - ageAt(day) * 3 : 72) +
      tense * 5 +
      (since('fibrillation') === undefined ? 0 : 9),
    temperature: () => 36.7,
    respiration: (day) => (ageAt(day) < 12 ? 28 - ageAt(day) : 15) + (since('copd') === undefined ? 0 : 4),
    oxygen: () => (since('copd') === undefined ? 98 : 93),
    peakFlow: (day) =>
      (male ? 560 : 420) * Math.min(1, ageAt(day) / 17) -
      Math.max(0, ageAt(day) - 35) * 2.4 -
      untreated('asthma', day, 0.35) * 110 -
      (since('copd') === undefined ? 0 : 130),
    hba1c: (day) =>
      35 + own.sugar * 2.2 + Math.max(0, ageAt(day) - 40) * 0.06 + untreated('diabetes', day, 0.38) * 38,
    cholesterol: (day) => 4.7 + Math.max(0, Math.min(ageAt(day), 65) - 30) * 0.012 + lipid(day),
    hdl: () => (male ? 1.25 : 1.5) - heavy * 0.12,
    ldl: (day) => 2.6 + lipid(day) * 0.8,
    triglycerides: (day) => 1.2 + heavy * 0.25 + untreated('diabetes', day, 0.3) * 0.9,
    sodium: () => 139,
    potassium: (day) => 4.3 + (since('kidney') === undefined ? 0 : 0.4) + (filtration(day) < 40 ? 0.2 : 0),
    creatinine,
    egfr: filtration,
    haemoglobin: (day) =>
      (male ? 148 : 134) - untreated('anaemia', day, 0.1) * 32 - (since('kidney') === undefined ? 0 : 9),
    whiteCells: () => 6.8,
    platelets: () => 255,
    ferritin: (day) => Math.max(5, (male ? 120 : 62) - untreated('anaemia', day, 0.15) * 52),
    tsh: (day) => 1.9 + untreated('thyroid', day, 0.06) * 9.5,
    thyroxine: (day) => 15.8 - untreated('thyroid', day, 0.05) * 6.4,
    chlamydiaTest: () => 0,
    hivViralLoad: (day) => Math.max(20, untreated('hiv', day, 0) ** 3 * 84_000),
    phq9: (day) =>
      Math.max(
        2,
        4 +
          own.mood * 2 +
          Math.max(untreated('depression', day, 0.35), untreated('anxiety', day, 0.4) * 0.6) * 13,
      ),
    gad7: (day) =>
      Math.max(
        1,
        3 +
          own.mood * 1.5 +
          Math.max(untreated('anxiety', day, 0.35), untreated('depression', day, 0.4) * 0.6) * 11,
      ),
    moca: (day) =>
      26 -
      Math.max(0, ((day - (since('dementia') ?? day)) / 365) * 2.1) -
      (since('dementia') === undefined ? 0 : 5),
    barthel: (day) => Math.max(20, 98 - Math.max(0, ageAt(day) - 72) * 1.6),
  };

  const known = new Map<string, number>();
  function measure(key: MeasureKey, day: number): number {
    const name = `${key} ${day}`;
    // The same day gives the same value, so that a body mass index agrees with the weight and height beside it.
    if (!known.has(name))
      known.set(name, clamp(key, measured[key](day) * (1 + random.normal(0, SCATTER[key] ?? 0.03))));
    return known.get(name)!;
  }

  return {
    /** The measurement on that day, before rounding. */
    measure,
    /** In mm[Hg]. */
    bloodPressure: (day: number) => {
      const age = ageAt(day);
      const base = age < 16 ? 92 + age * 1.7 : 112 + Math.max(0, age - 30) * 0.33;
      const systolic = base + tense * 6 + untreated('hypertension', day, 0.3) * 31 + random.normal(0, 5);
      const diastolic = systolic * (age > 65 ? 0.53 : 0.61) + random.normal(0, 3);
      return { systolic: Math.round(systolic), diastolic: Math.round(diastolic) };
    },
  };
}

/** How much a value scatters from one measurement to the next, as a share of it. */
const SCATTER: Partial<Record<MeasureKey, number>> = {
  height: 0.002,
  weight: 0.01,
  bmi: 0,
  temperature: 0.006,
  oxygen: 0.008,
  sodium: 0.012,
  creatinine: 0.04,
  tsh: 0.12,
  hivViralLoad: 0.2,
  triglycerides: 0.14,
  phq9: 0.15,
  gad7: 0.15,
  ferritin: 0.12,
};

const LIMITS: Partial<Record<MeasureKey, readonly [number, number]>> = {
  oxygen: [86, 100],
  phq9: [0, 27],
  gad7: [0, 21],
  moca: [4, 30],
  barthel: [0, 100],
  peakFlow: [60, 750],
};

function clamp(key: MeasureKey, value: number) {
  const [min, max] = LIMITS[key] ?? [0, Number.POSITIVE_INFINITY];
  return Math.max(min, Math.min(max, value));
}

// The middle child of each age from birth to eighteen.
const BOYS_CM = [50, 76, 87, 96, 103, 110, 116, 122, 128, 133, 138, 143, 149, 156, 163, 169, 173, 175, 176];
const GIRLS_CM = [49, 74, 86, 95, 102, 109, 115, 121, 127, 133, 138, 144, 151, 156, 160, 162, 163, 163, 163];
const BOYS_KG = [
  3.5, 9.6, 12.2, 14.4, 16.4, 18.5, 20.7, 23, 25.6, 28.5, 31.8, 35.6, 40, 45.6, 51.5, 57, 61.5, 65, 67.5,
];
const GIRLS_KG = [
  3.4, 8.9, 11.5, 13.9, 16.1, 18.2, 20.4, 22.9, 25.8, 29.1, 32.9, 37.2, 41.7, 46, 50, 53, 55, 56.5, 57.5,
];

function between(table: readonly number[], age: number) {
  const whole = Math.max(0, Math.min(table.length - 1, Math.floor(age)));
  const next = Math.min(table.length - 1, whole + 1);
  return table[whole]! + (table[next]! - table[whole]!) * Math.min(1, Math.max(0, age - whole));
}
