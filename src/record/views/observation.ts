import type {
  Observation,
  ObservationComponent,
  ObservationReferenceRange,
  Quantity,
} from '@medplum/fhirtypes';
import { dateText, periodText, timeOf, timingText } from './dates.ts';
import {
  codeText,
  conceptsText,
  conceptText,
  hasCode,
  listText,
  notesText,
  quantityText,
  rangeText,
  referencesText,
  unitText,
  valueText,
} from './text.ts';

/** One result of a measure over time. */
export type ResultView = {
  when: string;
  /** For the chart; null when the date is not known. */
  time: number | null;
  value: string;
  /** Outside what the laboratory expects, in its words; '' when not. */
  flag: string;
  range: string;
  notes: string;
  by: string;
  status: string;
  /** What of it can be drawn: the value itself and each part, such as systolic and diastolic. */
  numbers: ResultNumber[];
};

export type ResultNumber = {
  /** '' for the value itself, else the part's name. */
  part: string;
  value: number;
  unit: string;
  /** Something like '<5': the point is where it would be at most or at least. */
  bounded: boolean;
  low: number | null;
  high: number | null;
};

/** The name of what is measured. */
export const measureName = (observation: Partial<Observation>): string =>
  conceptText(observation.code) || 'Result without a name';

/** A single result (FHIR R4 Observation), whatever form its value has. */
export function resultView(observation: Partial<Observation>): ResultView {
  const components = observation.component ?? [];
  const own = valueText(observation, dateText);
  const parts = components.map((part) => `${conceptText(part.code) || 'Part'}: ${partText(part)}`);
  return {
    when: when(observation),
    time: timeOf(
      observation.effectiveDateTime ?? observation.effectiveInstant ?? observation.effectivePeriod?.start,
    ),
    value: pressureText(observation) || [own, ...parts].filter(Boolean).join('; ') || absent(observation),
    flag: flags(observation),
    range: (observation.referenceRange ?? []).map(referenceRangeText).filter(Boolean).join('; '),
    notes: notesText(observation.note),
    by: referencesText(observation.performer),
    status: ['final', undefined].includes(observation.status) ? '' : codeText(observation.status),
    numbers: [
      ...numberOf('', observation.valueQuantity, observation.valueInteger, observation.referenceRange),
      ...components.flatMap((part) =>
        numberOf(conceptText(part.code), part.valueQuantity, part.valueInteger, part.referenceRange),
      ),
    ],
  };
}

const when = (observation: Partial<Observation>): string =>
  dateText(observation.effectiveDateTime ?? observation.effectiveInstant) ||
  periodText(observation.effectivePeriod) ||
  timingText(observation.effectiveTiming) ||
  (observation.issued ? `issued ${dateText(observation.issued)}` : '');

const partText = (part: ObservationComponent): string =>
  valueText(part, dateText) || absent(part) || 'not given';

const absent = ({ dataAbsentReason }: Pick<Observation, 'dataAbsentReason'>): string =>
  dataAbsentReason ? `No value: ${conceptText(dataAbsentReason)}` : '';

const SYSTOLIC = ['8480-6', '72313002', '271649006'];
const DIASTOLIC = ['8462-4', '1091811000000102', '271650006'];

/** Blood pressure as it is said: 128/76 mmHg. */
function pressureText({ component = [] }: Partial<Observation>): string {
  const part = (codes: string[]) => component.find(({ code }) => hasCode(code, codes))?.valueQuantity;
  const [systolic, diastolic] = [part(SYSTOLIC), part(DIASTOLIC)];
  if (systolic?.value === undefined || diastolic?.value === undefined) return '';
  // Anything more than the two is said in full.
  if (component.length > 2 || systolic.comparator || diastolic.comparator) return '';
  return `${systolic.value}/${diastolic.value} ${unitText(systolic)}`.trim();
}

/** HL7 v3 ObservationInterpretation: what is normal is not worth a flag. */
const NORMAL = ['N', 'NEG', 'ND', 'S'];

function flags(observation: Partial<Observation>): string {
  const of = ({ interpretation }: Pick<Observation, 'interpretation'>) =>
    conceptsText((interpretation ?? []).filter((concept) => !hasCode(concept, NORMAL)));
  const parts = (observation.component ?? []).map((part) => {
    const flag = of(part);
    return flag && `${conceptText(part.code)}: ${flag}`;
  });
  return listText([of(observation), ...parts]);
}

function referenceRangeText({ low, high, text, appliesTo }: ObservationReferenceRange): string {
  const range = text || rangeText({ low, high });
  const whom = conceptsText(appliesTo);
  return range && whom ? `${range} (${whom})` : range;
}

function numberOf(
  part: string,
  quantity: Quantity | undefined,
  integer: number | undefined,
  ranges: ObservationReferenceRange[] | undefined,
): ResultNumber[] {
  const value = quantity?.value ?? integer;
  if (value === undefined || !Number.isFinite(value)) return [];
  const unit = quantity ? unitText(quantity) : '';
  // A range for some people only, or in another unit, is not drawn.
  const range = ranges?.length === 1 && !ranges[0]!.appliesTo && !ranges[0]!.age ? ranges[0] : undefined;
  const bound = (of: Quantity | undefined) =>
    of?.value !== undefined && (quantityText(of) === String(of.value) || unitText(of) === unit)
      ? of.value
      : null;
  return [
    {
      part,
      value,
      unit,
      bounded: Boolean(quantity?.comparator),
      low: bound(range?.low),
      high: bound(range?.high),
    },
  ];
}
