import { createHash } from 'node:crypto';
import type { Observation } from '@medplum/fhirtypes';
import type { Reading } from './read-readings.ts';

const READING_IDS = 'https://pulsehome.example.org/fhir/reading-id';

/**
 * The name under which a reading is known for ever: the same patient, monitor and moment give the same name, so it is
 * one reading however often it is sent. It goes into addresses, so it says nothing about the patient.
 */
export function readingIdentifier(patientId: string, { monitor, takenAt }: Reading) {
  const moment = new Date(takenAt).toISOString();
  const value = createHash('sha256')
    .update(`${patientId} ${monitor} ${moment}`)
    .digest('base64url')
    .slice(0, 32);
  return { system: READING_IDS, value };
}

export const readingIdOf = (observation: Observation): string | undefined =>
  observation.identifier?.find(({ system }) => system === READING_IDS)?.value;

/** LOINC's blood pressure panel, by which the service is also asked what it has already. */
export const BLOOD_PRESSURE = { system: 'http://loinc.org', code: '85354-9' } as const;

/** A reading as FHIR's blood pressure profile has it: one Observation with two components. */
export function bloodPressure(patientId: string, reading: Reading): Observation {
  const patient = { reference: `Patient/${patientId}` };
  return {
    resourceType: 'Observation',
    identifier: [readingIdentifier(patientId, reading)],
    status: 'final',
    category: [
      {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/observation-category',
            code: 'vital-signs',
            display: 'Vital Signs',
          },
        ],
      },
    ],
    code: { coding: [{ ...BLOOD_PRESSURE, display: 'Blood pressure panel' }], text: 'Home blood pressure' },
    subject: patient,
    effectiveDateTime: reading.takenAt,
    performer: [patient], // taken by themselves, at home
    device: { display: `Home blood pressure monitor ${reading.monitor}` },
    component: [
      component('8480-6', 'Systolic blood pressure', reading.systolic),
      component('8462-4', 'Diastolic blood pressure', reading.diastolic),
    ],
  };
}

const component = (code: string, display: string, value: number) => ({
  code: { coding: [{ system: 'http://loinc.org', code, display }] },
  valueQuantity: { value, unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
});
