import type { DocumentReference } from '@medplum/fhirtypes';
import { dateText } from './dates.ts';
import { type EntryView, entryView } from './entry.ts';
import { codeText, conceptsText, conceptText, listText, referencesText, referenceText } from './text.ts';

/** A letter or document (FHIR R4 DocumentReference). */
export function letterView(letter: Partial<DocumentReference>): EntryView {
  const attachment = letter.content?.[0]?.attachment;
  const title =
    letter.description || attachment?.title || conceptText(letter.type) || 'Letter without a title';
  const kind = listText([conceptText(letter.type), conceptsText(letter.category)]);
  return entryView(title, dateText(letter.date ?? letter.context?.period?.start), status(letter), [
    ['Kind', kind === title ? '' : kind],
    ['From', referencesText(letter.author) || referenceText(letter.custodian)],
  ]);
}

function status({ status, docStatus }: Partial<DocumentReference>): EntryView['status'] {
  if (status === 'superseded') return { text: 'Replaced by a newer one', tone: 'grey' };
  if (status === 'entered-in-error' || docStatus === 'entered-in-error') {
    return { text: 'Entered by mistake', tone: 'red' };
  }
  return docStatus && docStatus !== 'final' ? { text: codeText(docStatus), tone: 'orange' } : null;
}
