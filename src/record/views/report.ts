import type { DiagnosticReport } from '@medplum/fhirtypes';
import { dateText, periodText } from './dates.ts';
import { type EntryView, entryView } from './entry.ts';
import { codeText, conceptsText, conceptText, listText, referencesText, referenceText } from './text.ts';

/** A laboratory's or department's report; its single results stand under Results (FHIR R4 DiagnosticReport). */
export function reportView(report: Partial<DiagnosticReport>): EntryView {
  const results = report.result?.length ?? 0;
  return entryView(
    conceptText(report.code) || 'Report without a name',
    dateText(report.effectiveDateTime) || periodText(report.effectivePeriod) || dateText(report.issued),
    report.status && report.status !== 'final'
      ? { text: codeText(report.status), tone: report.status === 'cancelled' ? 'grey' : 'orange' }
      : null,
    [
      ['Conclusion', listText([report.conclusion ?? '', conceptsText(report.conclusionCode)])],
      ['Kind', conceptsText(report.category)],
      ['Results', results > 0 ? `${results}, shown under Results` : ''],
      [
        'Documents',
        listText((report.presentedForm ?? []).map(({ title }) => title ?? 'Document without a title')),
      ],
      ['Issued', dateText(report.issued)],
      [
        'By',
        referencesText(report.performer) || listText((report.resultsInterpreter ?? []).map(referenceText)),
      ],
    ],
  );
}
