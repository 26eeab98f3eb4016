/** One of our operations as its OperationDefinition (R4 section 5.7) says it. */
type Described = {
  resource: string;
  code: string;
  title: string;
  description: string;
  affectsState: boolean;
  /** Of one resource instead of a type. */
  instance?: true;
  parameter: object[];
};

/** What each entry of an answer has: what was sent, what came of it, and for people why. */
const eachAnswer = (name: string, about: string, max: string, outcomes: string, parts: object[]) => ({
  name,
  use: 'out',
  min: 1,
  max,
  documentation: 'One for each identifier, in the order in which they were sent and as often.',
  part: [
    part(about, 1, 'Identifier', 'As it was sent.'),
    part('outcome', 1, 'code', outcomes),
    part('diagnostics', 0, 'string', 'Why there is nothing else.'),
    ...parts,
  ],
});

const part = (name: string, min: number, type: string, documentation: string, max = '1') => ({
  name,
  use: 'out',
  min,
  max,
  type,
  documentation,
});

const given = (name: string, min: number, max: string, type: string, documentation: string) => ({
  name,
  use: 'in',
  min,
  max,
  type,
  documentation,
});

const NATIONAL =
  'An NHS, CHI or Health and Care number, with system and value. What is wrong with one is the outcome of that one.';
const UNUSABLE = 'identifier-unsupported | identifier-invalid';

export const DESCRIBED: readonly Described[] = [
  {
    resource: 'Patient',
    code: 'process-message',
    title: 'Register a patient, or update their details',
    description:
      'Creates a patient, links one who is known with the organisation, or brings the details up to date, by national identifier. The date of birth must agree with what is known, else nothing is linked or shown. What is absent stays.',
    affectsState: true,
    parameter: [
      given(
        'patient',
        1,
        '1',
        'Patient',
        'Sent as the body: a national identifier, family and given name, gender, birthDate.',
      ),
      part('outcome', 1, 'code', 'created | linked | updated | unchanged'),
      part('patient', 1, 'Reference', 'The patient.'),
      part('invited', 1, 'boolean', 'Whether a message with an invitation is on its way.'),
    ],
  },
  {
    resource: 'Patient',
    code: 'register',
    title: 'Register many patients at once',
    description:
      'The same for up to 5,000 patients, sent as a Bundle or as NDJSON (application/fhir+ndjson); for any number of lines with "Prefer: respond-async". ?dry-run=true does nothing but say what would come of it.',
    affectsState: true,
    parameter: [
      given('patients', 1, '1', 'Bundle', 'Sent as the body.'),
      {
        ...part('registration', 1, 'Element', 'One for each row.', '5000'),
        type: undefined,
        part: [
          part('row', 1, 'positiveInt', 'Its place, from 1.'),
          part('patientIdentifier', 0, 'Identifier', 'The first national identifier of the row.'),
          part('outcome', 1, 'code', 'created | linked | updated | unchanged, or a refusal code.'),
          part('patient', 0, 'Reference', 'The patient.'),
          part('diagnostics', 0, 'string', 'Why it was refused.'),
          {
            ...part('issue', 0, 'Element', 'A fault and its place.', '*'),
            type: undefined,
            part: [
              part('diagnostics', 1, 'string', 'What is wrong.'),
              part('expression', 0, 'string', 'Where.'),
            ],
          },
        ],
      },
      {
        ...part('summary', 1, 'Element', 'How many rows had which outcome.'),
        type: undefined,
        part: [part('total', 1, 'unsignedInt', 'All rows; beside it, a part for each outcome by its code.')],
      },
    ],
  },
  {
    resource: 'Patient',
    code: 'status-query',
    title: 'See which patients have registered',
    description:
      'Whether patients of the organisation use their record, and whether they have died. A patient with no tie to the organisation is answered exactly like one who does not exist.',
    affectsState: false,
    parameter: [
      given('patientIdentifier', 1, '5000', 'Identifier', NATIONAL),
      eachAnswer('patientStatus', 'patientIdentifier', '5000', `found | not-found | ${UNUSABLE}`, [
        part('registered', 0, 'boolean', 'Whether the patient has joined.'),
        part('deceased', 0, 'boolean', 'Whether the patient has died.'),
        part('dateOfBirth', 0, 'date', 'As it is known.'),
      ]),
    ],
  },
  {
    resource: 'Patient',
    code: 'date-of-last-data-point',
    title: 'See when patients’ records were last added to',
    description:
      'When anything but demographics was last written of what the connection can see. It may go back, when something is deleted.',
    affectsState: false,
    parameter: [
      given('patientIdentifier', 1, '500', 'Identifier', NATIONAL),
      eachAnswer(
        'lastDataPointsResult',
        'patientIdentifier',
        '500',
        `found | no-data | not-found | ${UNUSABLE}`,
        [part('lastRecordUpdate', 0, 'dateTime', 'When it was last written.')],
      ),
    ],
  },
  {
    resource: 'Organization',
    code: 'generate-invitation-tokens',
    title: 'Make invitations for patients to join',
    description:
      'A single-use pair of codes for each patient who may join, given here and never again. Under an Idempotency-Key it happens once.',
    affectsState: true,
    parameter: [
      given('patientIdentifier', 1, '500', 'Identifier', NATIONAL),
      given('revokeOlder', 0, '1', 'boolean', 'Ends the organisation’s earlier pairs for these patients.'),
      eachAnswer(
        'patientTokens',
        'patientIdentifier',
        '500',
        `invited | deceased | already-registered | birth-date-missing | under-16 | not-found | ${UNUSABLE}`,
        [
          part('token', 0, 'string', 'The access code.'),
          part('code', 0, 'string', 'The invitation code.'),
          part('expiry', 0, 'dateTime', 'When the pair ends.'),
        ],
      ),
    ],
  },
  {
    resource: 'DocumentReference',
    code: 'read-receipt-query',
    title: 'See whether patients have read letters you sent',
    description:
      'Whether, and when, patients first opened documents that the organisation sent. A document is known by the identifier it was sent with.',
    affectsState: false,
    parameter: [
      given(
        'documentIdentifier',
        1,
        '5000',
        'Identifier',
        'With or without its system; a plain string will do.',
      ),
      eachAnswer(
        'readReceipt',
        'documentIdentifier',
        '5000',
        'found | withdrawn | multiple-matches | not-found',
        [
          part('read', 0, 'boolean', 'Whether the patient has opened it.'),
          part('firstRead', 0, 'dateTime', 'When the patient first did.'),
          part('visibleFrom', 0, 'dateTime', 'From when on the patient can see it.'),
          part('reportedUnreadable', 0, 'dateTime', 'When the patient said that it could not be opened.'),
        ],
      ),
    ],
  },
  {
    resource: 'Subscription',
    code: 'redeliver',
    title: 'Have notifications sent again',
    description:
      'Sends dead letters (events that were given up, as $status and $events list them) again: those of the numbers that are named, both ends included, or all. Only of what the connection may still know of. Under an Idempotency-Key it happens once.',
    affectsState: true,
    instance: true,
    parameter: [
      given('eventsSinceNumber', 0, '1', 'string', 'The first.'),
      given('eventsUntilNumber', 0, '1', 'string', 'The last.'),
      part('redelivered', 1, 'unsignedInt', 'How many are on their way again.'),
    ],
  },
];

const nameOf = ({ resource, code }: Described) => `${resource}-${code}`;
const addressOf = (baseUrl: string, described: Described) =>
  `${baseUrl}/fhir/R4/OperationDefinition/${nameOf(described)}`;

/** `CapabilityStatement.rest.resource.operation` of a type; undefined for one without. */
export function operationsOf(baseUrl: string, type: string): object[] | undefined {
  const own = DESCRIBED.filter(({ resource }) => resource === type);
  if (own.length === 0) return undefined;
  return own.map((described) => ({ name: described.code, definition: addressOf(baseUrl, described) }));
}

/** The OperationDefinition at `OperationDefinition/{id}`, as text; undefined when it is none of ours. */
export function operationDefinition(baseUrl: string, id: string | undefined): string | undefined {
  const described = DESCRIBED.find((one) => nameOf(one) === id);
  if (!described) return undefined;
  const { resource, code, title, description, affectsState, instance = false, parameter } = described;
  return JSON.stringify({
    resourceType: 'OperationDefinition',
    id,
    url: addressOf(baseUrl, described),
    name: code.replace(/(^|-)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase()),
    title,
    status: 'active',
    kind: 'operation',
    description,
    affectsState,
    code,
    resource: [resource],
    system: false,
    type: !instance,
    instance,
    parameter,
  });
}
