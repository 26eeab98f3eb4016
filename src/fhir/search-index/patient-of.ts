/**
 * Whose record a resource belongs to: the ids of the patients it is about, in the order it names them, none twice.
 * Whoever wrote, performed or reported it does not count. A patient named by an absolute address or by an
 * identifier alone is not one of ours, and neither is a contained one.
 */
export function patientOf(resourceType: string, resource: object): { patientIds: string[] } {
  const patientIds = new Set<string>();
  collect(resourceType, resource as Json, patientIds);
  return { patientIds: [...patientIds] };
}

/** Whether resources of a type are about things other than patients, always. */
export const neverBelongsToPatient = (resourceType: string): boolean => NEVER.has(resourceType);

type Json = Record<string, unknown>;

function collect(type: string, resource: Json, into: Set<string>): void {
  if (type === 'Patient') {
    if (typeof resource.id === 'string') into.add(resource.id);
    return;
  }
  if (type === 'Bundle') {
    // A stored document or collection is about everyone its entries are about.
    for (const { resource: inner } of list(resource.entry) as { resource?: Json }[]) {
      if (typeof inner?.resourceType === 'string') collect(inner.resourceType, inner, into);
    }
    return;
  }
  for (const path of OWNERS[type] ?? []) {
    for (const reference of follow(resource, path.split('.'))) {
      const id = PATIENT.exec(String((reference as Json | null)?.reference ?? ''))?.[1];
      if (id) into.add(id);
    }
  }
}

const PATIENT = /^Patient\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

const list = (value: unknown): unknown[] => (value === undefined || value === null ? [] : [value].flat());

function follow(value: unknown, [key, ...rest]: string[]): unknown[] {
  if (key === undefined) return [value];
  return list((value as Json | null)?.[key]).flatMap((child) => follow(child, rest));
}

const paths = (path: string, types: string): [string, string[]][] =>
  types.split(' ').map((type) => [type, [path]]);

/** The subject-like elements of R4, which are fewer than the patient compartment's: that also counts authors. */
export const OWNERS: Readonly<Record<string, readonly string[]>> = Object.fromEntries([
  ...paths(
    'subject',
    'Account AdverseEvent Basic CarePlan CareTeam ChargeItem ClinicalImpression Communication CommunicationRequest ' +
      'Composition Condition Contract DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest ' +
      'DocumentReference Encounter Flag Goal GuidanceResponse ImagingStudy Invoice List MeasureReport Media ' +
      'MedicationAdministration MedicationDispense MedicationRequest MedicationStatement Observation Procedure ' +
      'QuestionnaireResponse RequestGroup RiskAssessment ServiceRequest Specimen',
  ),
  ...paths(
    'patient',
    'AllergyIntolerance BodyStructure Claim ClaimResponse Consent CoverageEligibilityRequest ' +
      'CoverageEligibilityResponse DetectedIssue Device EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory ' +
      'Immunization ImmunizationEvaluation ImmunizationRecommendation MolecularSequence NutritionOrder RelatedPerson ' +
      'SupplyDelivery VisionPrescription',
  ),
  ['Appointment', ['participant.actor']],
  ['AppointmentResponse', ['actor']],
  ['AuditEvent', ['entity.what']],
  ['Binary', ['securityContext']],
  ['Coverage', ['beneficiary']],
  ['EnrollmentRequest', ['candidate']],
  ['Group', ['member.entity']],
  ['Linkage', ['item.resource']],
  ['Person', ['link.target']],
  ['Provenance', ['target']],
  ['ResearchSubject', ['individual']],
  ['SupplyRequest', ['deliverTo', 'requester']],
  ['Task', ['for']],
  ['VerificationResult', ['target']],
]);

const NEVER = new Set(
  (
    'ActivityDefinition BiologicallyDerivedProduct CapabilityStatement CatalogEntry ChargeItemDefinition CodeSystem ' +
    'CompartmentDefinition ConceptMap DeviceDefinition DeviceMetric EffectEvidenceSynthesis Endpoint ' +
    'EnrollmentResponse EventDefinition Evidence EvidenceVariable ExampleScenario GraphDefinition HealthcareService ' +
    'ImplementationGuide InsurancePlan Library Location Measure Medication MedicationKnowledge MedicinalProduct ' +
    'MedicinalProductAuthorization MedicinalProductContraindication MedicinalProductIndication ' +
    'MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured MedicinalProductPackaged ' +
    'MedicinalProductPharmaceutical MedicinalProductUndesirableEffect MessageDefinition MessageHeader NamingSystem ' +
    'ObservationDefinition OperationDefinition OperationOutcome Organization OrganizationAffiliation Parameters ' +
    'PaymentNotice PaymentReconciliation PlanDefinition Practitioner PractitionerRole Questionnaire ' +
    'ResearchDefinition ResearchElementDefinition ResearchStudy RiskEvidenceSynthesis Schedule SearchParameter Slot ' +
    'SpecimenDefinition StructureDefinition StructureMap Subscription Substance SubstanceNucleicAcid ' +
    'SubstancePolymer SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification ' +
    'TerminologyCapabilities TestReport TestScript ValueSet'
  ).split(' '),
);
