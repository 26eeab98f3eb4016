import type { AllergyIntolerance, Condition, MedicationStatement, Observation } from '@medplum/fhirtypes';
import type { FhirClient } from '../shared/fhir-client.ts';
import { Refused } from '../shared/refused.ts';
import { printTable } from './print-table.ts';
import { codeText, dayOf, periodOf, valueText } from './words.ts';

type Records = {
  Condition: Condition;
  MedicationStatement: MedicationStatement;
  AllergyIntolerance: AllergyIntolerance;
  Observation: Observation;
};

type Section<Type extends keyof Records = keyof Records> = {
  [Each in Type]: {
    title: string;
    type: Each;
    /** Latest first, and only as many as the person asked for. */
    latest?: boolean;
    /** These come first. */
    current?: (record: Records[Each]) => boolean;
    columns: string[];
    row: (record: Records[Each]) => (string | undefined)[];
  };
}[Type];

const section = <Type extends keyof Records>(parts: Section<Type>) => parts as unknown as AnySection;
type AnyRecord = Records[keyof Records];
type AnySection = Omit<Section, 'row' | 'current'> & {
  row: (record: AnyRecord) => (string | undefined)[];
  current?: (record: AnyRecord) => boolean;
};

/** The parts of the record that are shown, each with its columns. */
export const SECTIONS: readonly AnySection[] = [
  section<'Condition'>({
    title: 'Problems',
    type: 'Condition',
    current: ({ clinicalStatus }) => clinicalStatus?.coding?.[0]?.code === 'active',
    columns: ['Problem', 'Status', 'Since', 'Until'],
    row: ({ code, clinicalStatus, onsetDateTime, onsetPeriod, recordedDate, abatementDateTime }) => [
      codeText(code),
      codeText(clinicalStatus),
      dayOf(onsetDateTime ?? onsetPeriod?.start ?? recordedDate),
      dayOf(abatementDateTime),
    ],
  }),
  section<'MedicationStatement'>({
    title: 'Medicines',
    type: 'MedicationStatement',
    current: ({ status }) => status === 'active',
    columns: ['Medicine', 'How to take it', 'Status', 'From', 'Until'],
    row: ({
      medicationCodeableConcept,
      medicationReference,
      dosage,
      status,
      effectivePeriod,
      effectiveDateTime,
    }) => [
      codeText(medicationCodeableConcept) ?? medicationReference?.display,
      dosage?.map(({ text }) => text).join('; '),
      capital(status),
      ...periodOf(effectivePeriod, effectiveDateTime),
    ],
  }),
  section<'AllergyIntolerance'>({
    title: 'Allergies and intolerances',
    type: 'AllergyIntolerance',
    columns: ['Allergy', 'Reaction', 'Severity', 'Status', 'Recorded'],
    row: ({ code, reaction = [], criticality, clinicalStatus, recordedDate }) => [
      codeText(code),
      reaction.flatMap(({ manifestation }) => manifestation?.map(codeText) ?? []).join(', '),
      reaction[0]?.severity ?? (criticality && `${criticality} risk`),
      codeText(clinicalStatus),
      dayOf(recordedDate),
    ],
  }),
  section<'Observation'>({
    title: 'Latest results',
    type: 'Observation',
    latest: true,
    columns: ['Taken', 'What', 'Value', 'Usual', 'Status'],
    row: (observation) => [
      dayOf(observation.effectiveDateTime ?? observation.effectivePeriod?.start ?? observation.issued),
      codeText(observation.code),
      valueText(observation),
      observation.referenceRange?.[0]?.text ?? rangeText(observation),
      observation.status === 'final' ? '' : observation.status,
    ],
  }),
];

type Wanted = { patient: string; results: number; width: number };

/** One part of the record as text. What the connection does not cover is said, not left out. */
export async function sectionText(
  client: FhirClient,
  { title, type, latest, columns, row, current = () => true }: AnySection,
  { patient, results, width }: Wanted,
): Promise<string> {
  const records: AnyRecord[] = [];
  try {
    const parameters: Record<string, string> = latest
      ? { patient, _sort: '-date', _count: String(results) }
      : { patient, _count: '200' };
    for await (const record of client.search(type, parameters)) {
      if (isMistake(record)) continue;
      records.push(record);
      if (latest && records.length === results) break;
    }
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 'scope-insufficient') throw error;
    return `${title}\n  Not shown: this connection does not cover them. Reference: ${error.reference}`;
  }
  const ordered = [...records.filter(current), ...records.filter((record) => !current(record))];
  const rows = ordered.map((record) => row(record).map((cell) => cell ?? ''));
  const heading = `${title} (${rows.length})`;
  return rows.length === 0 ? `${heading}\n  None.` : `${heading}\n${printTable(columns, rows, width)}`;
}

/** What was entered by mistake is no part of what is known of a patient. */
function isMistake(record: AnyRecord): boolean {
  const verification =
    'verificationStatus' in record ? record.verificationStatus?.coding?.[0]?.code : undefined;
  const status = 'status' in record ? record.status : undefined;
  return verification === 'entered-in-error' || status === 'entered-in-error';
}

function rangeText({ referenceRange }: Observation): string | undefined {
  const { low, high } = referenceRange?.[0] ?? {};
  if (low && high) return `${low.value} to ${high.value}`;
  if (high) return `up to ${high.value}`;
  return low && `from ${low.value}`;
}

const capital = (word: string | undefined) => word && word.charAt(0).toUpperCase() + word.slice(1);
