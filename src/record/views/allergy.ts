import type { AllergyIntolerance, AllergyIntoleranceReaction } from '@medplum/fhirtypes';
import { dateText, periodText } from './dates.ts';
import { type EntryView, entryView } from './entry.ts';
import {
  codeText,
  conceptsText,
  conceptText,
  hasCode,
  listText,
  notesText,
  quantityText,
  rangeText,
  referenceText,
} from './text.ts';

/** An allergy or intolerance, or the statement that none is known (FHIR R4 AllergyIntolerance). */
export function allergyView(allergy: Partial<AllergyIntolerance>): EntryView {
  return entryView(conceptText(allergy.code) || 'Allergy without a name', since(allergy), status(allergy), [
    ['Reactions', (allergy.reaction ?? []).map(reactionText).filter(Boolean).join('; ')],
    ['Kind', listText([codeText(allergy.type), ...(allergy.category ?? []).map(codeText)])],
    [
      'Certainty',
      hasCode(allergy.verificationStatus, ['confirmed']) ? '' : conceptText(allergy.verificationStatus),
    ],
    ['Last happened', dateText(allergy.lastOccurrence)],
    ['Notes', notesText(allergy.note)],
    ['Recorded by', referenceText(allergy.asserter) || referenceText(allergy.recorder)],
  ]);
}

const since = (allergy: Partial<AllergyIntolerance>): string =>
  dateText(allergy.onsetDateTime) ||
  periodText(allergy.onsetPeriod) ||
  allergy.onsetString ||
  age(quantityText(allergy.onsetAge) || rangeText(allergy.onsetRange)) ||
  (allergy.recordedDate ? `recorded ${dateText(allergy.recordedDate)}` : '');

const age = (text: string) => text && `at the age of ${text}`;

/** A high risk is said first; 'unable to assess' is not 'low'. */
function status({ criticality, clinicalStatus }: Partial<AllergyIntolerance>): EntryView['status'] {
  if (hasCode(clinicalStatus, ['resolved', 'inactive']))
    return { text: codeText(conceptText(clinicalStatus)), tone: 'grey' };
  if (criticality === 'high') return { text: 'High risk', tone: 'red' };
  if (criticality === 'low') return { text: 'Low risk', tone: 'grey' };
  return criticality ? { text: 'Risk not assessed', tone: 'orange' } : null;
}

function reactionText({
  manifestation,
  severity,
  substance,
  onset,
  description,
}: AllergyIntoleranceReaction): string {
  const signs = conceptsText(manifestation) || description || '';
  return [
    signs,
    severity && `(${severity})`,
    substance && `to ${conceptText(substance)}`,
    onset && `on ${dateText(onset)}`,
  ]
    .filter(Boolean)
    .join(' ');
}
