/**
 * Whether a value is a Patient of the plain kind that registrations are made of: only elements from a short list, each
 * of a form that is certainly valid FHIR R4. True means that validation would find nothing (a property test holds that);
 * false means nothing: validation has the word. It takes a few microseconds where validation takes hundreds.
 */
export function isPlainPatient(value: unknown): value is Record<string, unknown> {
  return patient(value);
}

type Check = (value: unknown) => boolean;

const matching =
  (form: RegExp, lengthMax: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= lengthMax && form.test(value);

/** No control characters, no broken Unicode, nothing blank at the ends. */
const text = matching(/^[^\s\p{Cc}\p{Cs}](?:[^\p{Cc}\p{Cs}]*[^\s\p{Cc}\p{Cs}])?$/u, 1000);
const uri = matching(/^(?:https?:\/\/|urn:(?:oid|uuid):)[\w.~:/?#@!$&'()*+,;=%-]+$/, 300);
const code = matching(/^[A-Za-z0-9][\w.-]*$/, 64);
const date = (value: unknown) => isDate(value);
const boolean = (value: unknown) => typeof value === 'boolean';

function oneOf(...values: string[]): Check {
  const known = new Set<unknown>(values);
  return (value) => known.has(value);
}

/** An object with no property but these, and at least one. */
function object(properties: Record<string, Check>, needed: readonly string[] = []): Check {
  const known: Record<string, Check | undefined> = { __proto__: null as never, ...properties };
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    let count = 0;
    for (const key in value) {
      const check = known[key];
      if (!check?.((value as Record<string, unknown>)[key])) return false;
      count++;
    }
    return count > 0 && needed.every((key) => key in value);
  };
}

const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length > 0 && value.length <= 50 && value.every(check);

const coding = object({ system: uri, code, display: text });
const concept = object({ coding: list(coding), text });

/** With exactly one value, of a simple kind. */
const extensionParts = object(
  {
    url: uri,
    valueString: text,
    valueCode: code,
    valueBoolean: boolean,
    valueDate: date,
    valueCodeableConcept: concept,
  },
  ['url'],
);
const extension: Check = (value) => extensionParts(value) && Object.keys(value as object).length === 2;

const identifier = object({
  extension: list(extension),
  use: oneOf('usual', 'official', 'temp', 'secondary', 'old'),
  type: concept,
  system: uri,
  value: text,
});

const name = object({
  use: oneOf('usual', 'official', 'temp', 'nickname', 'anonymous', 'old', 'maiden'),
  text,
  family: text,
  given: list(text),
  prefix: list(text),
  suffix: list(text),
});

// cpt-2: a value needs a system.
const telecomParts = object({
  system: oneOf('phone', 'fax', 'email', 'pager', 'url', 'sms', 'other'),
  value: text,
  use: oneOf('home', 'work', 'temp', 'old', 'mobile'),
});
const telecom: Check = (value) => telecomParts(value) && 'system' in (value as object);

const address = object({
  use: oneOf('home', 'work', 'temp', 'old', 'billing'),
  type: oneOf('postal', 'physical', 'both'),
  text,
  line: list(text),
  city: text,
  district: text,
  state: text,
  postalCode: text,
  country: text,
});

const patientParts = object(
  {
    resourceType: oneOf('Patient'),
    id: matching(/^[A-Za-z0-9\-.]{1,64}$/, 64),
    extension: list(extension),
    identifier: list(identifier),
    active: boolean,
    name: list(name),
    telecom: list(telecom),
    gender: oneOf('male', 'female', 'other', 'unknown'),
    birthDate: date,
    deceasedBoolean: boolean,
    deceasedDateTime: date,
    address: list(address),
  },
  ['resourceType'],
);
const patient: Check = (value) =>
  patientParts(value) && !('deceasedBoolean' in (value as object) && 'deceasedDateTime' in (value as object));

/** A day that there is, as YYYY-MM-DD. */
export function isDate(value: unknown): value is string {
  if (typeof value !== 'string' || !/^[1-9]\d{3}-\d\d-\d\d$/.test(value)) return false;
  const [year, month, day] = [Number(value.slice(0, 4)), Number(value.slice(5, 7)), Number(value.slice(8))];
  if (month < 1 || month > 12 || day < 1) return false;
  if (month !== 2) return day <= (month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31);
  return day <= (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28);
}
