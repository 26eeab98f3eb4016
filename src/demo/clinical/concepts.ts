import type { CodeableConcept, Coding, Quantity } from '@medplum/fhirtypes';

/** A coding without its system: the tables below say once which system their codes are of. */
export type Concept = { system: string; code: string; display: string };

export const snomed = (code: string, display: string): Concept => ({
  system: 'http://snomed.info/sct',
  code,
  display,
});
export const loinc = (code: string, display: string): Concept => ({
  system: 'http://loinc.org',
  code,
  display,
});
/** The NHS dictionary of medicines and devices, under the system name that UK Core uses. */
export const dmd = (code: string, display: string): Concept => ({
  system: 'https://dmd.nhs.uk',
  code,
  display,
});
export const hl7 = (name: string, code: string, display: string): Concept => ({
  system: `http://terminology.hl7.org/CodeSystem/${name}`,
  code,
  display,
});

export const coding = ({ system, code, display }: Concept): Coding => ({ system, code, display });
export const concept = (of: Concept, text?: string): CodeableConcept => ({
  coding: [coding(of)],
  text: text ?? of.display,
});

/** A UCUM quantity; `unit` is what people read, `code` what machines do. */
export const quantity = (value: number, unit: string, code = unit): Quantity => ({
  value,
  unit,
  system: 'http://unitsofmeasure.org',
  code,
});
