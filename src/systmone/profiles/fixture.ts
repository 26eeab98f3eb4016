import fc from 'fast-check';
import { isNhsNumber } from './grammar.ts';
import { createProfile, KEY_BYTES, type LaunchFields, type ProfileSettings } from './index.ts';

const text = (alphabet: string, min: number, max: number) =>
  fc.array(fc.constantFrom(...alphabet), { minLength: min, maxLength: max }).map((parts) => parts.join(''));

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const LOWER = UPPER.toLowerCase();
const DIGITS = '0123456789';

export const odsCodes = text(UPPER + DIGITS, 3, 10);
/** With a small letter, which no ODS code has. */
export const userNames = fc
  .tuple(text(LOWER, 1, 1), text(UPPER + LOWER + DIGITS + "._'@-", 1, 63))
  .map((parts) => parts.join(''));
export const nhsNumbers = fc.tuple(text('4679', 1, 1), text(DIGITS, 8, 8)).map(([first, rest]) => {
  const body = first + rest;
  const last = [...DIGITS].find((digit) => isNhsNumber(body + digit));
  return last === undefined ? '9434765919' : body + last;
});
export const birthDates = fc
  .integer({ min: Date.UTC(1900, 0, 1) / 86_400_000, max: Date.UTC(2026, 0, 1) / 86_400_000 })
  .map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10));
const instants = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1000));

const base = { organisation: odsCodes, userName: userNames, nhsNumber: nhsNumbers };
const none = { notBefore: fc.constant(null), expires: fc.constant(null), serviceId: fc.constant(null) };

/** Launches with everything that separate fields can carry. */
export const launches: fc.Arbitrary<LaunchFields> = fc.record(
  {
    ...base,
    birthDate: birthDates,
    role: fc.constantFrom('GP Partner', 'Nurse (Practice)', 'A'),
    ...none,
  },
  { noNullPrototype: true },
);

/** Launches with everything that a contextual launch can carry. */
export const contextualLaunches: fc.Arbitrary<LaunchFields> = fc.record(
  {
    ...base,
    birthDate: birthDates,
    role: fc.constant(null),
    notBefore: fc.option(instants),
    expires: fc.option(instants),
    serviceId: fc.option(fc.uuid()),
  },
  { noNullPrototype: true },
);

const secretBytes = (size: number) =>
  fc.uint8Array({ minLength: size, maxLength: size }).map((b) => Buffer.from(b));

/** Settings of every encrypted profile whose fields stand apart. */
export const fieldSettings = fc
  .constantFrom('aes-128-cbc' as const, 'aes-192-cbc' as const, 'aes-256-cbc' as const)
  .chain((cipher) =>
    fc.record({
      profile: fc.constant('fields' as const),
      cipher: fc.constant(cipher),
      encoding: fc.constantFrom('hex' as const, 'base64' as const, 'base64url' as const),
      key: secretBytes(KEY_BYTES[cipher]),
      iv: secretBytes(16),
      birthDate: fc.constant(true),
      role: fc.constant(true),
    }),
  );

export const siderSettings: ProfileSettings = {
  profile: 'sider',
  keyName: 'k01',
  passphrase: 'Kf3-0wQz7_nnW1',
};

export const readBy = (settings: ProfileSettings, query: string): LaunchFields | null =>
  createProfile(settings).inspect(query).fields;
