import type { Encounter } from '@medplum/fhirtypes';
import { periodText } from './dates.ts';
import { type EntryView, entryView } from './entry.ts';
import {
  codeText,
  codingText,
  conceptsText,
  conceptText,
  listText,
  referencesText,
  referenceText,
} from './text.ts';

/** A visit, stay, call or other contact (FHIR R4 Encounter). */
export function visitView(visit: Partial<Encounter>): EntryView {
  const how = codingText(visit.class);
  return entryView(
    conceptsText(visit.type) || conceptText(visit.serviceType) || how || 'Contact',
    periodText(visit.period),
    // That it is over is what people expect.
    visit.status && visit.status !== 'finished'
      ? { text: codeText(visit.status), tone: visit.status === 'cancelled' ? 'grey' : 'blue' }
      : null,
    [
      ['How', how],
      ['Reason', conceptsText(visit.reasonCode) || referencesText(visit.reasonReference)],
      ['With', listText((visit.participant ?? []).map(({ individual }) => referenceText(individual)))],
      ['Where', listText((visit.location ?? []).map(({ location }) => referenceText(location)))],
      ['Diagnoses', listText((visit.diagnosis ?? []).map(({ condition }) => referenceText(condition)))],
      ['Left for', conceptText(visit.hospitalization?.dischargeDisposition)],
      ['Provided by', referenceText(visit.serviceProvider)],
    ],
  );
}
