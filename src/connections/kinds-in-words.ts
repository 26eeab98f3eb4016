/** What people call the records of a FHIR type, in the plural: '1,204 test results and measurements'. */
export function kindInWords(type: string): string {
  return KINDS[type] ?? `${type.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()} records`;
}

const KINDS: Record<string, string | undefined> = {
  AllergyIntolerance: 'allergies and intolerances',
  Appointment: 'appointments',
  CarePlan: 'care plans',
  Condition: 'problems and diagnoses',
  DiagnosticReport: 'reports of tests',
  DocumentReference: 'letters and documents',
  Encounter: 'visits and consultations',
  Immunization: 'vaccinations',
  MedicationRequest: 'prescriptions',
  MedicationStatement: 'medicines taken',
  Observation: 'test results and measurements',
  Procedure: 'procedures',
  QuestionnaireResponse: 'answered questionnaires',
};
