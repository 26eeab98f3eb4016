import type { CodeableConcept, Coding, Identifier, Period, Quantity, Range, Ratio } from '@medplum/fhirtypes';
import { periodText } from './dates.ts';

/*
 * FHIR's data types as people read them. Resources are valid R4, which leaves nearly everything out that it may:
 * each function takes what is missing, and answers '' when there is nothing to say.
 */

/** A CodeableConcept: what its author wrote, else what a code is called, else the bare code. */
export function conceptText(concept: CodeableConcept | undefined): string {
  const codings = concept?.coding ?? [];
  return (
    concept?.text ||
    codingText(codings.find(({ userSelected, display }) => userSelected && display)) ||
    codingText(codings.find(({ display }) => display)) ||
    codingText(codings[0])
  );
}

export const codingText = (coding: Coding | undefined): string => coding?.display || coding?.code || '';

export const conceptsText = (concepts: CodeableConcept[] | undefined): string =>
  listText((concepts ?? []).map(conceptText));

/** True when the concept has one of these codes, of whatever system: for the short closed lists of HL7. */
export const hasCode = (concept: CodeableConcept | undefined, codes: readonly string[]): boolean =>
  (concept?.coding ?? []).some(({ code }) => code !== undefined && codes.includes(code));

/** A quantity with the digits that were sent: 7.0 is not 7 (FHIR R4 section 2.24.0.1, decimal). */
export function quantityText(quantity: SentQuantity | undefined): string {
  if (!quantity) return '';
  const unit = unitText(quantity);
  if (quantity.value === undefined) return unit;
  const number = `${COMPARATORS[quantity.comparator ?? ''] ?? ''}${quantity.valueAsSent ?? quantity.value}`;
  return unit === '%' ? number + unit : [number, unit].filter(Boolean).join(' ');
}

/** Kept beside the number by `parseResource` when JavaScript would print it in another way. */
export type SentQuantity = Quantity & { valueAsSent?: string };

const COMPARATORS: Record<string, string> = {
  '<': 'less than ',
  '<=': 'at most ',
  '>': 'more than ',
  '>=': 'at least ',
};

/** The unit for people. UCUM writes what is only counted in braces, as in {score}: that is for machines. */
export const unitText = (quantity: Quantity): string => {
  const unit = quantity.unit || quantity.code || '';
  return /^(1|\{.*\})$/.test(unit) ? '' : unit;
};

export function rangeText(range: Range | undefined): string {
  const [low, high] = [quantityText(range?.low), quantityText(range?.high)];
  if (low && high) {
    // One unit is enough: 3.5 to 5.3 mmol/L.
    const sameUnit = unitText(range!.low!) === unitText(range!.high!);
    return `${sameUnit ? quantityText({ ...range!.low, unit: '', code: '' } as SentQuantity) : low} to ${high}`;
  }
  return low ? `${low} or more` : high && `${high} or less`;
}

export function ratioText(ratio: Ratio | undefined): string {
  const parts = [quantityText(ratio?.numerator), quantityText(ratio?.denominator)];
  return parts.every(Boolean) ? parts.join(' to ') : listText(parts);
}

/** Who or what is meant. A bare reference is an address for machines and says nothing to people. */
export const referenceText = (reference: Named | undefined): string =>
  reference?.display || (reference?.identifier?.value ? `${reference.identifier.value}` : '');

type Named = { display?: string; identifier?: Identifier };

export const referencesText = (references: Named[] | undefined): string =>
  listText((references ?? []).map(referenceText));

export const notesText = (notes: { text?: string }[] | undefined): string =>
  (notes ?? [])
    .map(({ text }) => text)
    .filter(Boolean)
    .join('\n');

export const yesNo = (value: boolean | undefined): string =>
  value === undefined ? '' : value ? 'Yes' : 'No';

/** 'in-progress' as a person would write it: 'In progress'. */
export function codeText(code: string | undefined): string {
  const words = (code ?? '').replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const listText = (texts: string[]): string => [...new Set(texts.filter(Boolean))].join(', ');

type Value = {
  valueQuantity?: Quantity;
  valueCodeableConcept?: CodeableConcept;
  valueString?: string;
  valueBoolean?: boolean;
  valueInteger?: number;
  valueRange?: Range;
  valueRatio?: Ratio;
  valueTime?: string;
  valueDateTime?: string;
  valuePeriod?: Period;
  valueSampledData?: unknown;
};

/** Whatever form the value of an observation or of a part of it has (FHIR R4 Observation.value[x]). */
export const valueText = (of: Value, dateText: (date: string) => string): string =>
  quantityText(of.valueQuantity) ||
  conceptText(of.valueCodeableConcept) ||
  of.valueString ||
  yesNo(of.valueBoolean) ||
  (of.valueInteger === undefined ? '' : String(of.valueInteger)) ||
  rangeText(of.valueRange) ||
  ratioText(of.valueRatio) ||
  of.valueTime ||
  (of.valueDateTime ? dateText(of.valueDateTime) : '') ||
  periodText(of.valuePeriod) ||
  (of.valueSampledData ? 'A recording (not shown)' : '');
