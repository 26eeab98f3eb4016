import type { DiagnosticReport, Observation, Reference } from '@medplum/fhirtypes';
import type { Chart, Contact } from './chart.ts';
import { concept, hl7, loinc, quantity, snomed } from './concepts.ts';
import { MEASURES, type Measure, type MeasureKey, PANELS, type PanelKey } from './measures.ts';
import type { Physiology } from './physiology.ts';

/** Writes one measurement as an Observation. */
export function recordMeasure(
  chart: Chart,
  contact: Contact,
  body: Physiology,
  key: MeasureKey,
): Reference<Observation> {
  const measure: Measure = MEASURES[key];
  return chart.add<Observation>(contact, {
    ...observation(chart, contact, measure),
    ...(key === 'chlamydiaTest' ? detection(chart) : numeric(measure, body.measure(key, contact.day))),
  });
}

/** Blood pressure as one Observation with two components, as the FHIR vital signs profile has it. */
export function recordBloodPressure(
  chart: Chart,
  contact: Contact,
  body: Physiology,
): Reference<Observation> {
  const { systolic, diastolic } = body.bloodPressure(contact.day);
  return chart.add<Observation>(contact, {
    ...observation(chart, contact, {
      code: loinc('85354-9', 'Blood pressure panel with all children optional'),
      category: 'vital-signs',
    }),
    component: [
      {
        code: concept(loinc('8480-6', 'Systolic blood pressure')),
        valueQuantity: quantity(systolic, 'mmHg', 'mm[Hg]'),
      },
      {
        code: concept(loinc('8462-4', 'Diastolic blood pressure')),
        valueQuantity: quantity(diastolic, 'mmHg', 'mm[Hg]'),
      },
    ],
  });
}

/** A laboratory's report and the results it is made of. */
export function recordPanel(
  chart: Chart,
  contact: Contact,
  body: Physiology,
  key: PanelKey,
): Reference<DiagnosticReport> {
  const panel = PANELS[key];
  const result = panel.of.map((measure) => recordMeasure(chart, contact, body, measure));
  return chart.add<DiagnosticReport>(contact, {
    resourceType: 'DiagnosticReport',
    status: 'final',
    category: [concept(hl7('v2-0074', 'LAB', 'Laboratory'))],
    code: concept(panel.code),
    subject: chart.patient,
    encounter: contact.encounter,
    effectiveDateTime: chart.at(contact),
    issued: chart.at(contact, 300),
    performer: [chart.provider(contact)],
    result,
  });
}

const CATEGORY_NAMES = { 'vital-signs': 'Vital Signs', laboratory: 'Laboratory', survey: 'Survey' } as const;

function observation(
  chart: Chart,
  contact: Contact,
  { code, category }: Pick<Measure, 'code' | 'category'>,
): Observation {
  return {
    resourceType: 'Observation',
    status: 'final',
    category: [concept(hl7('observation-category', category, CATEGORY_NAMES[category]))],
    code: concept(code),
    subject: chart.patient,
    encounter: contact.encounter,
    effectiveDateTime: chart.at(contact),
    issued: chart.at(contact, category === 'laboratory' ? 290 : 5),
    performer: [chart.author(contact)],
  };
}

function numeric({ unit, ucum, decimals, low, high, category }: Measure, raw: number): Partial<Observation> {
  const value = Number(raw.toFixed(decimals));
  const of = (number: number) => quantity(number, unit, ucum);
  const outside =
    low !== undefined && value < low ? LOW : high !== undefined && value > high ? HIGH : undefined;
  return {
    valueQuantity: of(value),
    ...(category === 'laboratory' && {
      interpretation: [concept(outside ?? NORMAL)],
      referenceRange: [
        { ...(low !== undefined && { low: of(low) }), ...(high !== undefined && { high: of(high) }) },
      ],
    }),
  };
}

function detection(chart: Chart): Partial<Observation> {
  return { valueCodeableConcept: concept(chart.random.chance(0.45) ? DETECTED : NOT_DETECTED) };
}

const LOW = hl7('v3-ObservationInterpretation', 'L', 'Low');
const HIGH = hl7('v3-ObservationInterpretation', 'H', 'High');
const NORMAL = hl7('v3-ObservationInterpretation', 'N', 'Normal');
const DETECTED = snomed('260373001', 'Detected');
const NOT_DETECTED = snomed('260415000', 'Not detected');
