import type { JsonObject } from '../fhir/store/content.ts';
import { labelNumber, type PrivacyLabel } from '../fhir/store/labels.ts';
import type { RowInput } from '../fhir/store/row.ts';
import { routeOf } from '../ids.ts';
import { NHS_NUMBER_SYSTEM } from './nhs-number.ts';
import type { DemoPatient } from './patients.ts';
import type { Table } from './store.ts';

/** A patient as rows: of the patient tables ready to insert, of resources what the FHIR room makes rows from. */
export function patientRows(patient: DemoPatient): { tables: [Table, object[]][]; resources: RowInput[] } {
  const { id, nhsNumber, birthDate, deceased, registrations, resources } = patient;
  const route = routeOf(id);
  return {
    tables: [
      ['patient', [{ route, id, birth_date: birthDate, deceased, created_at: resources[0]!.recordedAt }]],
      ['patient_identifier', [{ system: NHS_NUMBER_SYSTEM, value: nhsNumber, route, patient_id: id }]],
      [
        'registration',
        registrations.map(({ organisationId, teamIds, registeredAt, sharedLabels }) => ({
          route,
          patient_id: id,
          organisation_id: organisationId,
          shared_labels: labelBits(sharedLabels),
          teams: teamIds,
          registered_at: registeredAt,
        })),
      ],
    ],
    resources: resources.map(({ id: resourceId, label, organisationId, recordedAt, resource }) => ({
      id: resourceId,
      resource: resource as unknown as JsonObject,
      version: 1,
      at: new Date(recordedAt),
      label: labelNumber(label)!,
      organisationId,
      patientId: id,
    })),
  };
}

/** Bit n for label n, as connections and patients' choices keep them. */
export function labelBits(labels: readonly PrivacyLabel[]): number {
  return labels.reduce((bits, label) => bits | (1 << labelNumber(label)!), 0);
}
