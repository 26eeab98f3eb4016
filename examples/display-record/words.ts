import type {
  CodeableConcept,
  Observation,
  ObservationComponent,
  Patient,
  Period,
  Quantity,
} from '@medplum/fhirtypes';
import { nhsNumberOf } from '../shared/find-patient.ts';

const DAY = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit',
  month: 'short',
  year: 'numeric',
  timeZone: 'Europe/London',
});

export const codeText = (concept: CodeableConcept | undefined): string | undefined =>
  concept?.text ?? concept?.coding?.find(({ display }) => display)?.display ?? concept?.coding?.[0]?.code;

/** 07 Mar 2026; a FHIR date that says only the month or the year is shown as it is. */
export function dayOf(date: string | undefined): string {
  if (!date || date.length < 10) return date ?? '';
  return DAY.format(new Date(date.length === 10 ? `${date}T12:00:00Z` : date)).replace('Sept', 'Sep');
}

export const periodOf = (period: Period | undefined, moment?: string): [string, string] => [
  dayOf(period?.start ?? moment),
  dayOf(period?.end),
];

/** The value of a result, whatever its kind; of a panel, the values of its parts. */
export function valueText(observation: Observation): string {
  const parts = observation.component ?? [];
  const own = oneValue(observation);
  if (own || parts.length === 0) return own;
  const quantities = parts.map(({ valueQuantity }) => valueQuantity);
  const unit = quantities[0]?.unit;
  // 132/84 mmHg, as blood pressure is written.
  if (parts.length === 2 && quantities.every((quantity) => quantity && quantity.unit === unit))
    return `${quantities.map((quantity) => quantity!.value).join('/')} ${unit ?? ''}`.trim();
  return parts.map((part) => `${codeText(part.code)}: ${oneValue(part)}`).join('; ');
}

function oneValue(of: Observation | ObservationComponent): string {
  if (of.valueQuantity) return quantityText(of.valueQuantity);
  if (of.valueCodeableConcept) return codeText(of.valueCodeableConcept) ?? '';
  if (of.valueString !== undefined) return of.valueString;
  if (of.valueInteger !== undefined) return String(of.valueInteger);
  if (of.valueBoolean !== undefined) return of.valueBoolean ? 'yes' : 'no';
  if (of.valueDateTime) return dayOf(of.valueDateTime);
  if (of.valueRange) return `${quantityText(of.valueRange.low)} to ${quantityText(of.valueRange.high)}`;
  if (of.valueRatio)
    return `${quantityText(of.valueRatio.numerator)} : ${quantityText(of.valueRatio.denominator)}`;
  return of.dataAbsentReason ? `no value: ${codeText(of.dataAbsentReason)}` : '';
}

const quantityText = (quantity: Quantity | undefined): string =>
  quantity
    ? `${quantity.comparator ?? ''}${quantity.value} ${quantity.unit ?? quantity.code ?? ''}`.trim()
    : '';

/** Who it is, in the order in which clinical systems show it. */
export function patientLine(patient: Patient): string {
  const name = patient.name?.find(({ use }) => use === 'official') ?? patient.name?.[0];
  const number = nhsNumberOf(patient)?.replace(/^(\d{3})(\d{3})(\d{4})$/, '$1 $2 $3');
  return [
    `${name?.family?.toUpperCase() ?? 'Name not known'}, ${name?.given?.join(' ') ?? ''}${name?.prefix ? ` (${name.prefix.join(' ')})` : ''}`,
    `Born ${dayOf(patient.birthDate) || 'on an unknown day'}`,
    patient.deceasedDateTime
      ? `Died ${dayOf(patient.deceasedDateTime)}`
      : patient.deceasedBoolean && 'Has died',
    patient.gender && `Gender ${patient.gender}`,
    number && `NHS number ${number}`,
  ]
    .filter(Boolean)
    .join('   ');
}
