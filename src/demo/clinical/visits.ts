import type { Chart, Contact } from './chart.ts';
import { hl7, snomed } from './concepts.ts';
import { type EncounterKind, openEncounter, recordMedicine, recordProblem } from './entries.ts';
import { recordLetter } from './letters.ts';
import { recordBloodPressure, recordMeasure, recordPanel } from './measurements.ts';
import { type MeasureKey, PANELS, type PanelKey } from './measures.ts';
import type { MedicineKey } from './medicines.ts';
import type { Physiology } from './physiology.ts';
import type { HeldProblem } from './problem-list.ts';
import { MINOR_ILLNESSES, type Problem } from './problems.ts';
import { SPECIALTIES, type Specialty } from './services.ts';

export const VISITS = {
  review: visit('AMB', 'ambulatory', snomed('390906007', 'Follow-up encounter'), 20),
  checkUp: visit('AMB', 'ambulatory', snomed('185349003', 'Encounter for check up'), 20),
  problem: visit('AMB', 'ambulatory', snomed('185347001', 'Encounter for problem'), 15),
  telephone: visit('VR', 'virtual', snomed('390906007', 'Follow-up encounter'), 15),
  emergency: visit('EMER', 'emergency', snomed('50849002', 'Emergency room admission'), 220),
} satisfies Record<string, EncounterKind>;

function visit(code: string, display: string, type: EncounterKind['type'], minutes: number): EncounterKind {
  return { class: hl7('v3-ActCode', code, display), type, minutes };
}

/** A planned look at one long-term problem: what that problem makes people measure, sometimes a letter. */
export function reviewProblem(chart: Chart, body: Physiology, { problem }: HeldProblem, day: number): void {
  const specialty: Specialty = SPECIALTIES[problem.specialty];
  const seen = chart.contact(day, specialty.by, problem.label);
  const contact = openEncounter(
    chart,
    seen,
    chart.random.chance(0.2) ? VISITS.telephone : VISITS.review,
    problem.code,
  );
  measureFor(chart, contact, body, problem);
  if (chart.random.chance(0.4)) {
    recordLetter(chart, contact, problem.label === 'SOCIAL_CARE' ? 'plan' : 'clinic', problem.code.display);
  }
}

/** What a visit about a problem makes people measure. */
export function measureFor(chart: Chart, contact: Contact, body: Physiology, problem: Problem): void {
  if (problem.label === 'GENERAL_HEALTH' && chart.ageAt(contact.day) >= 12) {
    vitalSigns(chart, contact, body, ['weight', 'pulse']);
  }
  recordMonitoring(chart, contact, body, problem.monitoring);
}

/** Whole panels are reported together; what is left is measured by itself. */
function recordMonitoring(
  chart: Chart,
  contact: Contact,
  body: Physiology,
  keys: readonly MeasureKey[],
): void {
  const left = new Set(keys);
  for (const [panel, { of }] of Object.entries(PANELS) as [PanelKey, (typeof PANELS)[PanelKey]][]) {
    if (!of.some((key) => left.has(key))) continue;
    recordPanel(chart, contact, body, panel);
    for (const key of of) left.delete(key);
  }
  for (const key of left) recordMeasure(chart, contact, body, key);
}

/** The same measurement once a year, from diagnosis or for five years: what a chart is drawn from. */
export function followTrend(chart: Chart, body: Physiology, { problem, onsetDay }: HeldProblem): void {
  if (!problem.trend) return;
  const specialty: Specialty = SPECIALTIES[problem.specialty];
  let day = Math.max(
    onsetDay + chart.random.integer(5, 30),
    chart.subject.lastDay - 5 * 365 + chart.random.integer(0, 200),
  );
  for (; day < chart.subject.lastDay; day += 365 + chart.random.integer(-30, 30)) {
    const contact = chart.contact(day, specialty.by, problem.label);
    if (problem.trend === 'bloodPressure') recordBloodPressure(chart, contact, body);
    else recordMeasure(chart, contact, body, problem.trend);
  }
}

/** A health check for grown-ups, growth for children. */
export function checkUp(chart: Chart, body: Physiology, day: number): void {
  const adult = chart.ageAt(day) >= 18;
  const specialty = adult ? SPECIALTIES.practice : SPECIALTIES.children;
  const contact = openEncounter(chart, chart.contact(day, specialty.by, 'GENERAL_HEALTH'), VISITS.checkUp);
  recordMeasure(chart, contact, body, 'height');
  if (!adult) {
    recordMeasure(chart, contact, body, 'weight');
    return;
  }
  vitalSigns(chart, contact, body, ['weight', 'bmi', 'pulse']);
  if (chart.ageAt(day) >= 40)
    recordPanel(chart, contact, body, chart.random.chance(0.5) ? 'lipids' : 'bloodCount');
}

/** Something passing, treated by the practice; `never` is what the patient must not be given. */
export function minorIllness(chart: Chart, day: number, never: ReadonlySet<MedicineKey>): void {
  const age = chart.ageAt(day);
  const possible = MINOR_ILLNESSES.filter(
    (illness) =>
      age >= illness.ages[0] &&
      age <= illness.ages[1] &&
      (!('sex' in illness) || illness.sex === chart.subject.sex),
  );
  const illness = chart.random.pick(possible);
  const seen = chart.contact(day, SPECIALTIES.practice.by, 'GENERAL_HEALTH');
  const contact = openEncounter(chart, seen, VISITS.problem, illness.code);
  const condition = recordProblem(chart, contact, illness.code, chart.random.integer(1, 3));
  // The capsules and tablets in the table are for grown-ups and older children.
  if (age < 12) return;
  if ('antibiotic' in illness && chart.random.chance(0.7)) {
    recordMedicine(chart, contact, never.has('amoxicillin') ? 'clarithromycin' : 'amoxicillin', condition, 7);
  }
  if ('urinary' in illness) recordMedicine(chart, contact, 'trimethoprim', condition, 3);
}

/** A few hours in the emergency department, and the letter about it. */
export function emergency(chart: Chart, body: Physiology, day: number): void {
  const age = chart.ageAt(day);
  const reason = chart.random.pick(EMERGENCIES.filter(({ from, to }) => age >= from && age <= to));
  const seen = chart.contact(day, ['hospital', 'practice', 'community'], 'GENERAL_HEALTH');
  const contact = openEncounter(chart, seen, VISITS.emergency, reason.code);
  vitalSigns(chart, contact, body, ['pulse', 'temperature', 'respiration', 'oxygen']);
  recordLetter(chart, contact, 'discharge', reason.code.display);
}

const EMERGENCIES = [
  { code: snomed('29857009', 'Chest pain'), from: 25, to: 110 },
  { code: snomed('21522001', 'Abdominal pain'), from: 3, to: 110 },
  { code: snomed('386661006', 'Fever'), from: 0, to: 110 },
  { code: snomed('267036007', 'Dyspnoea'), from: 0, to: 110 },
  { code: snomed('125605004', 'Fracture of bone'), from: 3, to: 110 },
] as const;

function vitalSigns(chart: Chart, contact: Contact, body: Physiology, keys: readonly MeasureKey[]): void {
  if (chart.ageAt(contact.day) >= 3) recordBloodPressure(chart, contact, body);
  for (const key of keys) recordMeasure(chart, contact, body, key);
}
