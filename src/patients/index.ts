export { asPatient } from './as-patient.ts';
export { PATIENT_NAVIGATION } from './require-patient.ts';
export { patientRoutes } from './set-up.ts';
