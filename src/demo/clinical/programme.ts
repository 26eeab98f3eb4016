import type { Chart, Contact } from './chart.ts';
import { recordVaccination } from './entries.ts';
import { SPECIALTIES } from './services.ts';
import { ARMS, COVID, INFLUENZA, ROUTINE, THIGH } from './vaccines.ts';

/** Seasons of influenza vaccine that are kept; older ones would only fill the record. */
const SEASONS = 4;

/** Vaccinations of the routine programme, and of the seasons for those of an age to be offered them. */
export function recordVaccinations(chart: Chart, frail: boolean): void {
  const { random, subject, calendar } = chart;
  const contactOn = (day: number) => chart.contact(day, SPECIALTIES.practice.by, 'GENERAL_HEALTH');
  const age = chart.ageAt(0);

  let visit: { at: number; contact: Contact } | undefined;
  for (const { at, years, sinceYears, uptake, ...jab } of ROUTINE) {
    const due = Math.round(subject.birthDay + (years ? at * 365.25 : at * 7)) + random.integer(0, 12);
    const given = random.chance(uptake);
    if (!given || due > subject.lastDay || age > sinceYears) continue;
    const injected = jab.route.code === '78421000';
    // Vaccines that are due together are given in one visit.
    if (visit?.at !== at) visit = { at, contact: contactOn(due) };
    recordVaccination(chart, visit.contact, {
      ...jab,
      ...(injected && { site: chart.ageAt(due) < 1 ? THIGH : random.pick(ARMS) }),
    });
  }

  for (let season = SEASONS; season >= 1; season -= 1) {
    const offset = random.integer(0, 70);
    const [flu, covid] = [random.chance(0.78), random.chance(0.55)];
    // From the first of October on; the season under way counts when its day has come.
    const day = calendar.firstOf(10, 1 - season) + offset;
    const eligible = chart.ageAt(day) >= 65 || (frail && chart.ageAt(day) >= 2);
    if (!eligible || day > subject.lastDay) continue;
    if (flu) recordVaccination(chart, contactOn(day), { ...INFLUENZA, site: ARMS[0] });
    if (covid && season <= 2 && chart.ageAt(day) >= 75)
      recordVaccination(chart, contactOn(day), { ...COVID, site: ARMS[1] });
  }
}
