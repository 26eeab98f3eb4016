import type { Definitions } from '../definitions/definitions.ts';

/**
 * The date parameter by which the records of a type are put in order: when the thing happened, else when it was
 * asked for or written down. Undefined for a type without one (Location, Device …).
 */
export function mainDateParameter(definitions: Definitions, resourceType: string): string | undefined {
  const codes = new Set(
    definitions
      .searchParameters(resourceType)
      .filter((parameter) => parameter.type === 'date')
      .map((parameter) => parameter.code),
  );
  return [EXCEPTIONS[resourceType] ?? '', ...IN_ORDER].find((code) => codes.has(code));
}

/** Where the order below would choose a lesser date. */
const EXCEPTIONS: Record<string, string> = {
  // `date` is when a dose is to be given, a list of times; the request itself has one date.
  MedicationRequest: 'authoredon',
};

const IN_ORDER = [
  ...[
    'date',
    'onset-date',
    'effective',
    'effective-time',
    'started',
    'collected',
    'occurrence',
    'event-date',
  ],
  ...[
    'period',
    'start',
    'start-date',
    'whenhandedover',
    'whenprepared',
    'sent',
    'received',
    'identified',
    'when',
  ],
  ...[
    'recorded',
    'datetime',
    'datewritten',
    'authored',
    'authored-on',
    'issued',
    'created',
    'timestamp',
    'birthdate',
  ],
  ...['expiration-date', 'expiry'],
];
