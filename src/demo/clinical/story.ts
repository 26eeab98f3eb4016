import { recordAppointment } from './appointments.ts';
import type { Chart } from './chart.ts';
import { openEncounter, recordAllergies, recordMedicine, recordProblem } from './entries.ts';
import { recordLetter } from './letters.ts';
import type { MedicineKey } from './medicines.ts';
import { createPhysiology, type Physiology } from './physiology.ts';
import { drawProblems, type HeldProblem } from './problem-list.ts';
import { recordVaccinations } from './programme.ts';
import { SPECIALTIES, type Specialty } from './services.ts';
import {
  checkUp,
  emergency,
  followTrend,
  measureFor,
  minorIllness,
  reviewProblem,
  VISITS,
} from './visits.ts';

/** Visits reach back this far; what began earlier is on the problem list. */
const HISTORY_DAYS = 9 * 365;

/** Of somebody with many illnesses the latest are followed, else there would be room for nothing else. */
const MOST_TRENDS = 3;

/**
 * Writes a life into the chart: allergies, problems as they began with their medicines, vaccinations, and then
 * visits of every kind until there are about `target` entries. Answers the problems, for registering with teams.
 */
export function tellStory(chart: Chart, target: number): HeldProblem[] {
  const { random, subject } = chart;
  const problems = drawProblems(random, subject);
  const body = createPhysiology({
    random,
    sex: subject.sex,
    ageAt: chart.ageAt,
    since: (key) => problems.find((held) => held.key === key)?.onsetDay,
  });

  const never = recordAllergies(
    chart,
    chart.contact(someDay(chart), SPECIALTIES.practice.by, 'GENERAL_HEALTH'),
  );
  const taken = new Set<string>();
  for (const held of problems) beginProblem(chart, body, held, never, taken);
  if (
    subject.sex === 'female' &&
    chart.ageAt(subject.lastDay) >= 18 &&
    chart.ageAt(subject.lastDay) <= 44 &&
    random.chance(0.3)
  ) {
    contraception(chart);
  }
  const general = problems.filter(({ problem }) => problem.label === 'GENERAL_HEALTH');
  recordVaccinations(chart, general.length > 0);
  futureAppointments(chart, problems);
  const followed = problems.filter(({ problem }) => problem.trend).slice(-MOST_TRENDS);
  for (const held of followed) followTrend(chart, body, held);

  while (chart.entries.length < target) {
    const lasting = problems.filter(({ problem }) => !problem.passing);
    const kind = random.weighted([
      ['review', lasting.length > 0 ? 9 : 0],
      ['check-up', 3],
      ['illness', 3],
      ['emergency', 1],
      ['appointment', 3],
    ] as const);
    const day = someDay(chart);
    if (kind === 'review') {
      const held = random.pick(lasting);
      reviewProblem(chart, body, held, Math.max(day, held.onsetDay + random.integer(20, 90)));
    } else if (kind === 'check-up') checkUp(chart, body, day);
    else if (kind === 'illness') minorIllness(chart, day, never);
    else if (kind === 'emergency') emergency(chart, body, day);
    else pastAppointment(chart, problems, day);
  }
  return problems;
}

function beginProblem(
  chart: Chart,
  body: Physiology,
  { problem, onsetDay }: HeldProblem,
  never: ReadonlySet<MedicineKey>,
  taken: Set<string>,
): void {
  const specialty: Specialty = SPECIALTIES[problem.specialty];
  const seen = chart.contact(onsetDay, specialty.by, problem.label);
  // Of what began long ago only the problem is on record, not the visit.
  const recent = onsetDay > -HISTORY_DAYS;
  const contact = recent ? openEncounter(chart, seen, VISITS.problem, problem.code) : seen;
  const weeks = problem.passing ? chart.random.integer(2, 20) : undefined;
  // A diagnosis rests on measurements; from these the later ones are seen to get better.
  if (recent && chart.random.chance(0.7)) measureFor(chart, contact, body, problem);
  const condition = recordProblem(chart, contact, problem.code, weeks);
  for (const key of problem.medicines) {
    // One strength of a medicine, whatever the number of reasons for it.
    const substance = key.replace(/\d+$/, '');
    if (taken.has(substance) || never.has(key) || chart.random.chance(0.2)) continue;
    // The tablets in the table are not for small children.
    if (chart.ageAt(contact.day) < 12 && !key.includes('salbutamol') && !key.includes('beclometasone'))
      continue;
    taken.add(substance);
    recordMedicine(chart, contact, key, condition, problem.courseDays);
  }
  if (recent && chart.random.chance(0.35)) {
    recordLetter(chart, contact, problem.label === 'SOCIAL_CARE' ? 'plan' : 'clinic', problem.code.display);
  }
}

function contraception(chart: Chart): void {
  const { by, label } = SPECIALTIES.sexualHealth;
  const contact = openEncounter(
    chart,
    chart.contact(-chart.random.integer(60, 900), by, label),
    VISITS.review,
  );
  recordMedicine(chart, contact, 'desogestrel');
}

function futureAppointments(chart: Chart, problems: readonly HeldProblem[]): void {
  const alive = chart.subject.lastDay >= -1;
  const count = chart.random.weighted([
    [0, 4],
    [1, 4],
    [2, problems.length > 2 ? 3 : 0],
  ] as const);
  for (let n = 0; alive && n < count; n += 1) {
    const specialty = specialtyFor(chart, problems);
    const day = chart.calendar.workday(chart.random.integer(3, 90));
    // `contact` keeps within what has happened; an appointment is what has not.
    recordAppointment(
      chart,
      { ...chart.contact(-1, specialty.by, specialty.label), day },
      specialty,
      'booked',
    );
  }
}

function pastAppointment(chart: Chart, problems: readonly HeldProblem[], day: number): void {
  const specialty = specialtyFor(chart, problems);
  const status = chart.random.weighted([
    ['fulfilled', 14],
    ['noshow', 3],
    ['cancelled', 3],
  ] as const);
  recordAppointment(chart, chart.contact(day, specialty.by, specialty.label), specialty, status);
}

function specialtyFor(chart: Chart, problems: readonly HeldProblem[]): Specialty {
  const held = problems.length > 0 && chart.random.chance(0.6) ? chart.random.pick(problems) : undefined;
  return SPECIALTIES[held?.problem.specialty ?? 'practice'];
}

/** A day within the visits' reach, the more likely the nearer. */
function someDay({ random, subject }: Chart): number {
  const reach = Math.min(HISTORY_DAYS, subject.lastDay - subject.birthDay - 1);
  return subject.lastDay - Math.round((random.integer(1, 1000) / 1000) ** 1.7 * Math.max(0, reach));
}
