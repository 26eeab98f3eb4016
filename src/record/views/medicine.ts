import type {
  CodeableConcept,
  Dosage,
  Medication,
  MedicationRequest,
  MedicationStatement,
  Reference,
  Resource,
} from '@medplum/fhirtypes';
import { dateText, periodText, timingText } from './dates.ts';
import { type EntryView, entryView, type Tone } from './entry.ts';
import {
  codeText,
  conceptsText,
  conceptText,
  listText,
  notesText,
  quantityText,
  rangeText,
  ratioText,
  referencesText,
  referenceText,
} from './text.ts';

type Medicine = Partial<MedicationStatement> | Partial<MedicationRequest>;

/** A medicine that is taken (MedicationStatement) or was prescribed (MedicationRequest), FHIR R4. */
export function medicineView(medicine: Medicine): EntryView {
  return medicine.resourceType === 'MedicationRequest'
    ? prescribed(medicine)
    : taken(medicine as Partial<MedicationStatement>);
}

const taken = (medicine: Partial<MedicationStatement>): EntryView =>
  entryView(
    nameOf(medicine),
    dateText(medicine.effectiveDateTime) || periodText(medicine.effectivePeriod),
    statusOf(medicine.status),
    [
      ['How to take it', dosesText(medicine.dosage)],
      ['For', conceptsText(medicine.reasonCode) || referencesText(medicine.reasonReference)],
      ['Why its status', conceptsText(medicine.statusReason)],
      ['Notes', notesText(medicine.note)],
      ['Told by', referenceText(medicine.informationSource)],
    ],
  );

const prescribed = (medicine: Partial<MedicationRequest>): EntryView =>
  entryView(nameOf(medicine), dateText(medicine.authoredOn), statusOf(medicine.status), [
    ['Do not take', medicine.doNotPerform ? 'This is an instruction not to give it' : ''],
    ['How to take it', dosesText(medicine.dosageInstruction)],
    ['For', conceptsText(medicine.reasonCode) || referencesText(medicine.reasonReference)],
    ['Amount', quantityText(medicine.dispenseRequest?.quantity)],
    ['Order', medicine.intent && medicine.intent !== 'order' ? codeText(medicine.intent) : ''],
    ['Why its status', conceptText(medicine.statusReason)],
    ['Notes', notesText(medicine.note)],
    ['Prescribed by', referenceText(medicine.requester)],
  ]);

type Named = {
  medicationCodeableConcept?: CodeableConcept;
  medicationReference?: Reference<Medication>;
  contained?: Resource[];
};

/** The name stands in the entry, in a resource it contains, or with the reference. */
function nameOf({ medicationCodeableConcept, medicationReference, contained }: Named): string {
  const inner = contained?.find(
    (one) => one.resourceType === 'Medication' && `#${one.id}` === medicationReference?.reference,
  ) as Medication | undefined;
  return (
    conceptText(medicationCodeableConcept) ||
    medicationReference?.display ||
    conceptText(inner?.code) ||
    referenceText(medicationReference) ||
    'Medicine without a name'
  );
}

const TONES: Record<string, Tone> = {
  active: 'green',
  'on-hold': 'orange',
  intended: 'blue',
  stopped: 'red',
};

const statusOf = (status: string | undefined): EntryView['status'] =>
  status ? { text: codeText(status), tone: TONES[status] ?? 'grey' } : null;

const dosesText = (doses: Dosage[] | undefined): string =>
  (doses ?? []).map(doseText).filter(Boolean).join('; then ');

/** The author's words, else what the parts say together. */
export function doseText(dose: Dosage): string {
  const asNeeded = dose.asNeededCodeableConcept
    ? `as needed for ${conceptText(dose.asNeededCodeableConcept)}`
    : '';
  const own = dose.text || dose.patientInstruction;
  if (own) return own;
  const amount = dose.doseAndRate?.[0];
  return listText([
    quantityText(amount?.doseQuantity) || rangeText(amount?.doseRange),
    quantityText(amount?.rateQuantity) || rangeText(amount?.rateRange) || ratioText(amount?.rateRatio),
    frequencyText(dose),
    conceptText(dose.route),
    conceptText(dose.site),
    dose.asNeededBoolean ? 'as needed' : asNeeded,
    ...(dose.additionalInstruction ?? []).map(conceptText),
  ]);
}

function frequencyText({ timing }: Dosage): string {
  const { frequency, period, periodUnit } = timing?.repeat ?? {};
  const every =
    period &&
    periodUnit &&
    (period === 1 ? `a ${UNITS[periodUnit]}` : `every ${period} ${UNITS[periodUnit]}s`);
  const often =
    every && (frequency === 1 || frequency === undefined ? `once ${every}` : `${frequency} times ${every}`);
  return often || conceptText(timing?.code) || timingText(timing);
}

const UNITS: Record<string, string> = {
  s: 'second',
  min: 'minute',
  h: 'hour',
  d: 'day',
  wk: 'week',
  mo: 'month',
  a: 'year',
};
