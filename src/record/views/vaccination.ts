import type { Immunization, ImmunizationProtocolApplied } from '@medplum/fhirtypes';
import { dateText } from './dates.ts';
import { type EntryView, entryView } from './entry.ts';
import { conceptsText, conceptText, listText, notesText, quantityText, referenceText } from './text.ts';

/** A vaccine that was given, or was not (FHIR R4 Immunization). */
export function vaccinationView(vaccination: Partial<Immunization>): EntryView {
  return entryView(
    conceptText(vaccination.vaccineCode) || 'Vaccine without a name',
    dateText(vaccination.occurrenceDateTime) || vaccination.occurrenceString || '',
    vaccination.status === 'not-done' ? { text: 'Not given', tone: 'orange' } : null,
    [
      ['Why not', vaccination.status === 'not-done' ? conceptText(vaccination.statusReason) : ''],
      [
        'Against',
        listText((vaccination.protocolApplied ?? []).map(({ targetDisease }) => conceptsText(targetDisease))),
      ],
      ['Dose', listText((vaccination.protocolApplied ?? []).map(doseNumber))],
      ['Amount', quantityText(vaccination.doseQuantity)],
      ['Given', listText([conceptText(vaccination.route), conceptText(vaccination.site)])],
      ['Batch', vaccination.lotNumber],
      ['Reactions', listText((vaccination.reaction ?? []).map(({ detail }) => referenceText(detail)))],
      ['Source', vaccination.primarySource === false ? 'Told by somebody else, not by who gave it' : ''],
      ['Notes', notesText(vaccination.note)],
      ['Given by', listText((vaccination.performer ?? []).map(({ actor }) => referenceText(actor)))],
    ],
  );
}

function doseNumber(protocol: ImmunizationProtocolApplied): string {
  const number = protocol.doseNumberString ?? protocol.doseNumberPositiveInt?.toString();
  const series = protocol.seriesDosesString ?? protocol.seriesDosesPositiveInt?.toString();
  return number ? (series ? `${number} of ${series}` : number) : '';
}
