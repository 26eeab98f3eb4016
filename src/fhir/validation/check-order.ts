import { periodOf } from '../search-index/period.ts';
import { type Issue, issue } from './issue.ts';

/**
 * The three invariants of R4 that put two dates in order. They compare points in time; the engine compares what is
 * written, and so takes 10:00 in one zone for later than 06:00 in another whatever the zones.
 */
export function checkOrder(element: Record<string, unknown>, type: string, path: string): Issue[] {
  const rule = RULES.get(type);
  if (!rule) return [];
  const first = dated(element[rule.first]);
  const second = dated(element[rule.second]);
  return first && second && first[0] >= second[1] ? [issue('invariant', path, rule.text)] : [];
}

const RULES = new Map([
  ['Period', { first: 'start', second: 'end', text: 'per-1: start must not be after end' }],
  [
    'MedicationDispense',
    {
      first: 'whenPrepared',
      second: 'whenHandedOver',
      text: 'mdd-1: whenHandedOver must not be before whenPrepared',
    },
  ],
  [
    'Task',
    {
      first: 'authoredOn',
      second: 'lastModified',
      text: 'inv-1: lastModified must not be before authoredOn',
    },
  ],
]);

const dated = (value: unknown) => (typeof value === 'string' ? periodOf(value) : undefined);
