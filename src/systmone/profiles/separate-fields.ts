import { type CipherKey, decrypt, encrypt } from './aes-cbc.ts';
import { ENCODINGS, type EncodingName } from './encodings.ts';
import { asLaunch, fieldText, readField } from './grammar.ts';
import { type Pair, percentEncoded, readQuery } from './read-query.ts';
import type { FieldName, FieldReport, LaunchFields, Problem, Profile } from './types.ts';

export type SeparateFields = {
  /** Null: in clear. */
  encryption: (CipherKey & { encoding: EncodingName }) | null;
  birthDate: boolean;
  role: boolean;
};

/**
 * SystmOne's own way: literal text and inserted fields in turn, each field encrypted by itself with one fixed key and
 * vector. `org=…&user=…&nhs=…`, then `dob` and `role` where the organisation sends them: these, in this order, once.
 */
export function separateFields({ encryption, birthDate, role }: SeparateFields): Profile {
  const expected = FIELDS.filter(
    ({ field }) => (field !== 'birthDate' || birthDate) && (field !== 'role' || role),
  );

  function written(text: string): string {
    return encryption
      ? ENCODINGS[encryption.encoding].write(encrypt(encryption, text))
      : percentEncoded(text);
  }

  function opened(pair: Pair | undefined): { text: string; problem: Problem | null } {
    const unreadable: Problem | null = !pair ? 'missing' : pair.wellFormed ? null : 'percent-encoding';
    if (!encryption) return { text: (pair?.value ?? '').replaceAll('+', ' '), problem: unreadable };
    const bytes = ENCODINGS[encryption.encoding].read(pair?.value ?? '');
    const { text, padded, whole } = decrypt(encryption, bytes);
    const problem = bytes === null ? 'encoding' : !whole ? 'length' : !padded ? 'padding' : null;
    return { text, problem: unreadable ?? problem };
  }

  return {
    prefix: `${expected[0]!.parameter}=`,
    parts: expected.flatMap(({ parameter, field, label }, index) => [
      ...(index === 0 ? [] : [{ kind: 'text' as const, text: `&${parameter}=` }]),
      { kind: 'field' as const, field, label, encrypted: encryption !== null },
    ]),
    encode: (fields: LaunchFields) =>
      expected
        .map(({ parameter, field }) => `${parameter}=${written(fieldText(fields, field) ?? '')}`)
        .join('&'),
    inspect(query) {
      const pairs = readQuery(query) ?? [];
      const values: Partial<Record<FieldName, string>> = {};
      const reports = expected.map(({ parameter, field }, index): FieldReport => {
        const named = pairs.find(({ name }) => name === parameter);
        const { text, problem } = opened(named);
        const read = readField(field, text);
        const misplaced: Problem | null = named && pairs[index] !== named ? 'out-of-order' : null;
        const wrong = problem ?? read.problem ?? misplaced;
        if (wrong === null) values[field] = read.value!;
        return {
          parameter,
          field,
          sent: named?.raw ?? null,
          value: problem ? null : read.value,
          problem: wrong,
        };
      });
      for (const pair of pairs) {
        if (reports.some(({ parameter }, index) => parameter === pair.name && pairs[index] === pair))
          continue;
        if (reports.some(({ parameter, problem }) => parameter === pair.name && problem === 'out-of-order'))
          continue;
        reports.push({
          parameter: pair.name,
          field: null,
          sent: pair.raw,
          value: null,
          problem: 'unexpected',
        });
      }
      const right = pairs.length === expected.length && reports.every(({ problem }) => problem === null);
      return { fields: right ? asLaunch(values) : null, reports };
    },
  };
}

const FIELDS = [
  { parameter: 'org', field: 'organisation', label: 'Organisation ID' },
  { parameter: 'user', field: 'userName', label: 'SystmOne username' },
  { parameter: 'nhs', field: 'nhsNumber', label: 'NHS number' },
  { parameter: 'dob', field: 'birthDate', label: 'Date of birth' },
  { parameter: 'role', field: 'role', label: 'User role' },
] as const satisfies { parameter: string; field: FieldName; label: string }[];
