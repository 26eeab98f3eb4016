import fc from 'fast-check';

/**
 * Random worlds, described by small numbers that stand for places in lists (counted round), so that whatever
 * fast-check takes away while it shrinks, a world is left.
 */
export type WorldSpec = {
  organisations: number;
  systems: { live: boolean; scopes: string[] }[];
  connections: {
    organisation: number;
    system: number;
    status: Status;
    ends: Ends;
    scopes: string[];
    labels: number;
    teams: number[] | null;
  }[];
  tokens: { system: number; scopes: string[]; boundTo: number | null; expired: boolean }[];
  patients: {
    author: number;
    label: number;
    national: boolean;
    birthDate: string;
    registrations: { organisation: number; shared: number; teams: number[] }[];
  }[];
  records: {
    type: ClinicalType;
    patient: number | null;
    author: number;
    labels: number[];
    identifier: number | null;
    deleted: boolean;
  }[];
};

type Ends = 'never' | 'past' | 'future';
export type Status = 'active' | 'suspended' | 'revoked' | 'expired';
type ClinicalType = 'Observation' | 'Condition' | 'Consent' | 'Location';
export type Type = ClinicalType | 'Patient';

export const TEAMS_EACH = 3;
export const BIRTH_DATES = ['1980-02-03', '1990-04-05'];

const place = fc.nat({ max: 11 });
/** Null but for `share` times in ten. */
const maybe = <T>(one: fc.Arbitrary<T>, share = 5): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: share, arbitrary: one }, { weight: 10 - share, arbitrary: fc.constant(null) });
const mostly = <T>(value: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: other });

const letters = fc.subarray([...'cruds'], { minLength: 1 }).map((some) => some.join(''));
const scope = fc
  .tuple(fc.constantFrom('*', 'Patient', 'Observation', 'Condition', 'Consent', 'Location'), letters)
  .map(([type, access]) => `system/${type}.${access}`);
const scopes = mostly(['system/*.cruds'], fc.array(scope, { minLength: 1, maxLength: 3 }));
const bits = mostly(15, fc.nat({ max: 15 }));
const oftenTrue = fc.nat({ max: 15 }).map((one) => one !== 15);
const label = fc.nat({ max: 3 });
const team = fc.nat({ max: TEAMS_EACH - 1 });

export const worldSpec: fc.Arbitrary<WorldSpec> = fc.record({
  organisations: fc.integer({ min: 2, max: 3 }),
  systems: fc.array(fc.record({ live: oftenTrue, scopes }), {
    minLength: 1,
    maxLength: 4,
  }),
  connections: fc.array(
    fc.record({
      organisation: place,
      system: place,
      status: mostly<Status>('active', fc.constantFrom('suspended', 'revoked', 'expired')),
      ends: mostly<Ends>('never', fc.constantFrom('future', 'past')),
      scopes,
      labels: bits,
      teams: maybe(fc.array(team, { minLength: 1, maxLength: 2 }), 3),
    }),
    { minLength: 1, maxLength: 9, size: 'max' },
  ),
  tokens: fc.array(
    fc.record({
      system: place,
      scopes,
      boundTo: maybe(place, 2),
      expired: mostly(false, fc.boolean()),
    }),
    { minLength: 1, maxLength: 8, size: 'max' },
  ),
  patients: fc.array(
    fc.record({
      author: place,
      label: mostly(0, label),
      national: fc.boolean(),
      birthDate: fc.constantFrom(...BIRTH_DATES),
      registrations: fc.array(
        fc.record({
          organisation: place,
          shared: fc.nat({ max: 15 }),
          teams: fc.array(team, { maxLength: 2 }),
        }),
        { minLength: 1, maxLength: 3, size: 'max' },
      ),
    }),
    { maxLength: 5, size: 'max' },
  ),
  records: fc.array(
    fc.record({
      type: fc.constantFrom<ClinicalType>(
        'Observation',
        'Observation',
        'Observation',
        'Condition',
        'Consent',
        'Location',
      ),
      patient: maybe(place, 9),
      author: place,
      labels: fc.array(label, { minLength: 1, maxLength: 3 }),
      identifier: maybe(fc.nat({ max: 3 })),
      deleted: fc.constantFrom(false, false, false, false, true),
    }),
    { maxLength: 24, size: 'max' },
  ),
});
