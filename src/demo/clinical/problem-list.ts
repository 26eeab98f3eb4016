import type { Random } from '../random.ts';
import type { Subject } from './chart.ts';
import { PROBLEMS, type Problem, type ProblemKey } from './problems.ts';

export type HeldProblem = { key: ProblemKey; problem: Problem; onsetDay: number };

const MOST = 6;

/** Which problems chance and age have given somebody, the oldest first. */
export function drawProblems(random: Random, { sex, birthDay, lastDay }: Subject): HeldProblem[] {
  const age = (lastDay - birthDay) / 365.25;
  const held: HeldProblem[] = [];
  for (const [key, problem] of Object.entries(PROBLEMS) as [ProblemKey, Problem][]) {
    const [youngest, oldest] = problem.onset;
    // Drawn for everybody, so that one change of the table does not reshuffle everything after it.
    const draw = random.chance(problem.prevalence);
    const onsetAge = youngest + (random.integer(0, 1000) / 1000) * (oldest - youngest);
    if (!draw || onsetAge > age - 0.1 || (problem.sex && problem.sex !== sex)) continue;
    held.push({ key, problem, onsetDay: Math.round(birthDay + onsetAge * 365.25) });
  }
  return held.sort((a, b) => a.onsetDay - b.onsetDay).slice(-MOST);
}
