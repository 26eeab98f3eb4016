import fc from 'fast-check';
import { BIRTH_DATES, type Type } from './world-spec.ts';

/** What happens in a world: a request by a system, or something that an organisation, patient or operator does. */
export type Step = { kind: 'request'; who: Who; base: Base; act: Act } | { kind: 'event'; event: Event };

/** The token of a connection's system towards its organisation, or any token towards any. */
export type Who =
  | { by: 'connection'; connection: number; token: number }
  | { by: 'token'; token: number; organisation: number }
  | { by: 'nobody'; token: 'none' | 'unknown'; organisation: number };

/** How the organisation is named. 'header-none': the base without an organisation, and no header. */
export type Base = 'id' | 'id-upper' | 'ods' | 'ods-lower' | 'header-id' | 'header-ods' | 'header-none';

export type Sent = { patient: number | null; label: number | null; identifier: number | null };

export type Act =
  | { act: 'read' | 'history'; target: Target }
  | { act: 'vread'; target: Target; version: number }
  | { act: 'delete'; target: Target; ifMatch: IfMatch }
  | { act: 'update'; target: Target; sent: Sent; ifMatch: IfMatch }
  | {
      act: 'search';
      type: Type;
      patient: number | null;
      ids: number[] | null;
      identifier: number | null;
      page: Page;
    }
  | { act: 'create' | 'create-once' | 'update-conditional'; type: Type; sent: Sent }
  | { act: 'register'; patient: number; birthDate: string; label: number | null };

/** `as`: under the address of another type. */
export type Target = { at: number; as: Type | null };
export type IfMatch = 'none' | 'current' | 'stale';
export type Page = {
  count: number | null;
  total: boolean;
  sort: '' | '_lastUpdated' | '-_lastUpdated';
  only: boolean;
  post: boolean;
};

export type Event =
  | { event: 'connection'; connection: number; to: 'revoked' | 'suspended' | 'active' | 'past' }
  | { event: 'narrow'; connection: number; labels: number; team: number | null }
  | { event: 'share'; patient: number; organisation: number; shared: number }
  | { event: 'register'; patient: number; organisation: number; team: number }
  | { event: 'leave'; patient: number; organisation: number }
  | { event: 'system'; system: number; live: boolean }
  | { event: 'token'; token: number };

const place = fc.nat({ max: 29 });
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: null, freq: 2 });
const rarely = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: one });
const type = fc.constantFrom<Type>(
  'Observation',
  'Observation',
  'Observation',
  'Condition',
  'Consent',
  'Location',
  'Patient',
);
const label = maybe(fc.nat({ max: 3 }));
const identifier = fc.nat({ max: 3 });
const target = fc.record({ at: place, as: rarely(type) });
const ifMatch = fc.constantFrom<IfMatch>('none', 'none', 'current', 'stale');
const sent = fc.record({ patient: maybe(place), label, identifier: maybe(identifier) });

const page = fc.record<Page>({
  count: fc.constantFrom(null, null, 1, 2, 3, 0),
  total: fc.boolean(),
  sort: fc.constantFrom('', '_lastUpdated', '-_lastUpdated'),
  only: fc.constantFrom(false, false, false, true),
  post: fc.constantFrom(false, false, false, true),
});

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant('read' as const), target }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('history' as const), target }) },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('vread' as const),
      target,
      version: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('delete' as const), target, ifMatch }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('update' as const), target, sent, ifMatch }) },
  {
    weight: 7,
    arbitrary: fc.record({
      act: fc.constant('search' as const),
      type,
      patient: maybe(place),
      ids: rarely(fc.array(place, { minLength: 1, maxLength: 4 })),
      identifier: rarely(identifier),
      page,
    }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('create' as const), type, sent }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('create-once' as const), type, sent }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('update-conditional' as const), type, sent }) },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('register' as const),
      patient: place,
      birthDate: fc.constantFrom(...BIRTH_DATES),
      label,
    }),
  },
);

const who: fc.Arbitrary<Who> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ by: fc.constant('connection' as const), connection: place, token: place }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ by: fc.constant('token' as const), token: place, organisation: place }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      by: fc.constant('nobody' as const),
      token: fc.constantFrom('none' as const, 'unknown' as const),
      organisation: place,
    }),
  },
);

const base = fc.constantFrom<Base>(
  'id',
  'id',
  'id-upper',
  'ods',
  'ods-lower',
  'header-id',
  'header-ods',
  'header-id',
  'header-ods',
  'header-none',
);

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      event: fc.constant('connection' as const),
      connection: place,
      to: fc.constantFrom(
        'revoked' as const,
        'suspended' as const,
        'active' as const,
        'active' as const,
        'past' as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      event: fc.constant('narrow' as const),
      connection: place,
      labels: fc.nat({ max: 15 }),
      team: maybe(fc.nat({ max: 2 })),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      event: fc.constant('share' as const),
      patient: place,
      organisation: place,
      shared: fc.nat({ max: 15 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      event: fc.constant('register' as const),
      patient: place,
      organisation: place,
      team: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ event: fc.constant('leave' as const), patient: place, organisation: place }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      event: fc.constant('system' as const),
      system: place,
      live: fc.constantFrom(true, true, true, true, true, false),
    }),
  },
  { weight: 1, arbitrary: fc.record({ event: fc.constant('token' as const), token: place }) },
);

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('request' as const), who, base, act }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('event' as const), event }) },
);
