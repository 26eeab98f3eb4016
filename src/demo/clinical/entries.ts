import type {
  AllergyIntolerance,
  Condition,
  Encounter,
  Immunization,
  MedicationStatement,
  Reference,
} from '@medplum/fhirtypes';
import { ALLERGIES, NO_KNOWN_ALLERGY } from './allergies.ts';
import type { Chart, Contact } from './chart.ts';
import { type Concept, coding, concept, hl7 } from './concepts.ts';
import { MEDICINES, type Medicine, type MedicineKey } from './medicines.ts';

export type EncounterKind = { class: Concept; type: Concept; minutes: number };

/** Opens a contact with its Encounter; what is written with the answer refers to it. */
export function openEncounter(
  chart: Chart,
  contact: Contact,
  kind: EncounterKind,
  reason?: Concept,
): Contact {
  const encounter = chart.add<Encounter>(contact, {
    resourceType: 'Encounter',
    status: 'finished',
    class: coding(kind.class),
    type: [concept(kind.type)],
    subject: chart.patient,
    participant: [{ individual: chart.author(contact) }],
    period: { start: chart.at(contact), end: chart.at(contact, kind.minutes) },
    ...(reason && { reasonCode: [concept(reason)] }),
    serviceProvider: chart.provider(contact),
  });
  return { ...contact, encounter };
}

/** A problem; `weeks` after which it was over, if it was. */
export function recordProblem(
  chart: Chart,
  contact: Contact,
  code: Concept,
  weeks?: number,
): Reference<Condition> {
  const over = weeks === undefined ? undefined : Math.min(contact.day + weeks * 7, chart.subject.lastDay);
  return chart.add<Condition>(contact, {
    resourceType: 'Condition',
    clinicalStatus: concept(
      over === undefined ? active('condition-clinical') : hl7('condition-clinical', 'resolved', 'Resolved'),
    ),
    verificationStatus: concept(hl7('condition-ver-status', 'confirmed', 'Confirmed')),
    category: [
      concept(
        over === undefined
          ? hl7('condition-category', 'problem-list-item', 'Problem List Item')
          : hl7('condition-category', 'encounter-diagnosis', 'Encounter Diagnosis'),
      ),
    ],
    code: concept(code),
    subject: chart.patient,
    encounter: contact.encounter,
    onsetDateTime: chart.calendar.date(contact.day),
    ...(over !== undefined && { abatementDateTime: chart.calendar.date(over) }),
    recordedDate: chart.at(contact),
    recorder: chart.author(contact),
  });
}

/** A medicine that is taken from the contact's day on, for `days` or still. */
export function recordMedicine(
  chart: Chart,
  contact: Contact,
  key: MedicineKey,
  reason?: Reference<Condition>,
  days?: number,
): Reference<MedicationStatement> {
  const { code, text, dose, perDay, asNeeded }: Medicine = MEDICINES[key];
  // Nobody takes medicines after death, whatever they were prescribed for.
  const dead = chart.subject.lastDay < -1 ? chart.subject.lastDay : undefined;
  const end = days === undefined ? dead : Math.min(contact.day + days, chart.subject.lastDay);
  return chart.add<MedicationStatement>(contact, {
    resourceType: 'MedicationStatement',
    status: end === undefined ? 'active' : 'completed',
    medicationCodeableConcept: concept(code, text),
    subject: chart.patient,
    context: contact.encounter,
    effectivePeriod: {
      start: chart.calendar.date(contact.day),
      ...(end !== undefined && { end: chart.calendar.date(end) }),
    },
    dateAsserted: chart.at(contact),
    informationSource: chart.author(contact),
    ...(reason && { reasonReference: [reason] }),
    dosage: [
      {
        text: dose,
        ...(asNeeded && { asNeededBoolean: true }),
        ...(perDay && { timing: { repeat: { frequency: perDay, period: 1, periodUnit: 'd' } } }),
      },
    ],
  });
}

/** Allergies as chance has them, or the statement that none is known. Answers what must not be prescribed. */
export function recordAllergies(chart: Chart, contact: Contact): ReadonlySet<MedicineKey> {
  const has = ALLERGIES.filter(({ share }) => chart.random.chance(share)).slice(0, 3);
  for (const { code, category, criticality, signs } of has) {
    const sign = chart.random.pick(signs);
    chart.add<AllergyIntolerance>(contact, {
      ...allergy(chart, contact, code),
      type: 'allergy',
      category: [category],
      criticality,
      reaction: [{ manifestation: [concept(sign)], severity: criticality === 'high' ? 'severe' : 'mild' }],
    });
  }
  if (has.length === 0) chart.add<AllergyIntolerance>(contact, allergy(chart, contact, NO_KNOWN_ALLERGY));
  return new Set(has.flatMap(({ never = [] }) => never));
}

function allergy(chart: Chart, contact: Contact, code: Concept): AllergyIntolerance {
  return {
    resourceType: 'AllergyIntolerance',
    clinicalStatus: concept(active('allergyintolerance-clinical')),
    verificationStatus: concept(hl7('allergyintolerance-verification', 'confirmed', 'Confirmed')),
    code: concept(code),
    patient: chart.patient,
    recordedDate: chart.at(contact),
    recorder: chart.author(contact),
  };
}

type Jab = { product: Concept; against: Concept; route: Concept; site?: Concept; dose?: number };

export function recordVaccination(chart: Chart, contact: Contact, jab: Jab): Reference<Immunization> {
  const { product, against, route, site, dose } = jab;
  return chart.add<Immunization>(contact, {
    resourceType: 'Immunization',
    status: 'completed',
    vaccineCode: concept(product),
    patient: chart.patient,
    occurrenceDateTime: chart.at(contact),
    primarySource: true,
    lotNumber: `DEMO${chart.random.integer(1000, 9999)}`,
    ...(site && { site: concept(site) }),
    route: concept(route),
    performer: [{ actor: chart.author(contact) }],
    protocolApplied: [{ targetDisease: [concept(against)], doseNumberPositiveInt: dose ?? 1 }],
  });
}

const active = (system: string) => hl7(system, 'active', 'Active');
