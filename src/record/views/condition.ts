import type { Condition } from '@medplum/fhirtypes';
import { dateText, periodText } from './dates.ts';
import { type EntryView, entryView } from './entry.ts';
import {
  codeText,
  conceptsText,
  conceptText,
  hasCode,
  notesText,
  quantityText,
  rangeText,
  referenceText,
} from './text.ts';

/** A problem or diagnosis (FHIR R4 Condition). */
export function conditionView(condition: Partial<Condition>): EntryView {
  return entryView(
    conceptText(condition.code) || 'Problem without a name',
    onset(condition),
    status(condition),
    [
      ['Ended', ended(condition)],
      ['Severity', conceptText(condition.severity)],
      ['Where in the body', conceptsText(condition.bodySite)],
      ['Certainty', certainty(condition)],
      ['Notes', notesText(condition.note)],
      ['Recorded by', referenceText(condition.asserter) || referenceText(condition.recorder)],
      ['Recorded', dateText(condition.recordedDate)],
    ],
  );
}

const onset = (condition: Partial<Condition>): string =>
  dateText(condition.onsetDateTime) ||
  periodText(condition.onsetPeriod) ||
  atAge(quantityText(condition.onsetAge) || rangeText(condition.onsetRange)) ||
  condition.onsetString ||
  (condition.recordedDate ? `recorded ${dateText(condition.recordedDate)}` : '');

const ended = (condition: Partial<Condition>): string =>
  dateText(condition.abatementDateTime) ||
  periodText(condition.abatementPeriod) ||
  atAge(quantityText(condition.abatementAge) || rangeText(condition.abatementRange)) ||
  condition.abatementString ||
  '';

const atAge = (age: string) => age && `at the age of ${age}`;

function status({ clinicalStatus }: Partial<Condition>): EntryView['status'] {
  const text = codeText(conceptText(clinicalStatus));
  if (!text) return null;
  return { text, tone: hasCode(clinicalStatus, ['active', 'recurrence', 'relapse']) ? 'blue' : 'grey' };
}

/** Said only when the diagnosis is anything but certain. */
const certainty = ({ verificationStatus }: Partial<Condition>): string =>
  hasCode(verificationStatus, ['confirmed']) ? '' : conceptText(verificationStatus);
