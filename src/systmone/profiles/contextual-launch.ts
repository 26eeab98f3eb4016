import { asLaunch, fieldText, readField } from './grammar.ts';
import { type Pair, percentEncoded, readQuery } from './read-query.ts';
import type { FieldName, FieldReport, LaunchFields, Problem, Profile } from './types.ts';

type Parameter = {
  parameter: string;
  field: FieldName;
  system: string | null;
  label: string;
  optional: boolean;
};

/** Somerset's "Contextual launch", in the order in which its pages show them. `practitioner`, optional there, is not here. */
const PARAMETERS: Parameter[] = [
  {
    parameter: 'patient',
    field: 'nhsNumber',
    system: 'https://fhir.nhs.uk/Id/nhs-number',
    label: 'NHS number',
    optional: false,
  },
  { parameter: 'birthdate', field: 'birthDate', system: null, label: 'Date of birth', optional: false },
  {
    parameter: 'location',
    field: 'organisation',
    system: 'https://fhir.nhs.uk/Id/ods-organization-code',
    label: 'Organisation ID',
    optional: false,
  },
  {
    parameter: 'practitioner',
    field: 'userName',
    system: 'https://sider.nhs.uk/auth',
    label: 'SystmOne username',
    optional: false,
  },
  { parameter: 'exp', field: 'expires', system: null, label: 'Works until', optional: true },
  { parameter: 'nbf', field: 'notBefore', system: null, label: 'Works from', optional: true },
  { parameter: 'serviceId', field: 'serviceId', system: null, label: 'Service', optional: true },
];

/** `patient=<system>|<value>&birthdate=…&location=…&practitioner=…[&exp=…][&nbf=…][&serviceId=…]`, in clear. */
export function contextualLaunch(): Profile {
  const [first] = PARAMETERS;
  return {
    prefix: `${first!.parameter}=${first!.system}|`,
    parts: PARAMETERS.filter(({ optional }) => !optional).flatMap(
      ({ parameter, system, field, label }, index) => [
        ...(index === 0
          ? []
          : [{ kind: 'text' as const, text: `&${parameter}=${system ? `${system}|` : ''}` }]),
        { kind: 'field' as const, field, label, encrypted: false },
      ],
    ),
    encode: (fields) =>
      writePairs(fields, PARAMETERS, (text) =>
        percentEncoded(text).replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%7C', '|'),
      ),
    inspect(query) {
      const pairs = readQuery(query) ?? [];
      return inspectPairs(pairs, inOrder(pairs));
    },
  };
}

/** The pairs of a contextual launch as text; `write` is how a value stands in it. */
export function writePairs(
  fields: LaunchFields,
  parameters: readonly { parameter: string; field: FieldName; system: string | null }[] = PARAMETERS,
  write = percentEncoded,
): string {
  return parameters
    .map(({ parameter, field, system }) => ({ parameter, system, text: fieldText(fields, field) }))
    .filter(({ text }) => text !== null)
    .map(({ parameter, system, text }) => `${parameter}=${write(system ? `${system}|${text}` : text!)}`)
    .join('&');
}

/** Reads each parameter wherever it stands; `misplaced` are those whose place is wrong. */
export function inspectPairs(pairs: readonly Pair[], misplaced: ReadonlySet<Pair>) {
  const values: Partial<Record<FieldName, string>> = {};
  const reports: FieldReport[] = [];
  for (const { parameter, field, system, optional } of PARAMETERS) {
    const pair = pairs.find(({ name }) => name === parameter);
    const text = pair?.value ?? '';
    const named = system === null || text.startsWith(`${system}|`);
    const read = readField(field, system !== null && named ? text.slice(system.length + 1) : text);
    if (!pair && optional) continue;
    const unreadable: Problem | null = !pair
      ? 'missing'
      : !pair.wellFormed
        ? 'percent-encoding'
        : !named
          ? 'shape'
          : null;
    const problem = unreadable ?? read.problem ?? (misplaced.has(pair!) ? 'out-of-order' : null);
    if (problem === null) values[field] = read.value!;
    reports.push({
      parameter,
      field,
      sent: pair?.raw ?? null,
      value: unreadable ? null : read.value,
      problem,
    });
  }
  const seen = new Set<string>();
  for (const pair of pairs) {
    const known = PARAMETERS.some(({ parameter }) => parameter === pair.name) && !seen.has(pair.name);
    seen.add(pair.name);
    if (known) continue;
    reports.push({ parameter: pair.name, field: null, sent: pair.raw, value: null, problem: 'unexpected' });
  }
  const right = reports.every(({ problem }) => problem === null);
  return { fields: right ? asLaunch(values) : null, reports };
}

/** The pairs that stand after one they should stand before. */
function inOrder(pairs: readonly Pair[]): Set<Pair> {
  const place = ({ name }: Pair) => PARAMETERS.findIndex(({ parameter }) => parameter === name);
  return new Set(
    pairs.filter((pair, index) => pairs.slice(0, index).some((before) => place(before) > place(pair))),
  );
}
