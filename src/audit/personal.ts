import { hash } from 'node:crypto';
import { hmacSha256 } from '../hmac.ts';
import type { Secrets } from '../secrets.ts';

type Keys = Pick<Secrets, 'auditKey'>;

/**
 * A short keyed hash of something personal: the same text gives the same hash here, so that calls can be compared,
 * and nobody without the key can try out names or numbers against it.
 */
export function hashPersonal({ auditKey }: Keys, text: string): string {
  const mac = hmacSha256(auditKey).update('personal\n').update(text.normalize('NFC'), 'utf8');
  return `#${mac.digest('base64url').slice(0, 14)}`;
}

/**
 * The same for patients' numbers, of which a request may name thousands. Under a key of its own, and hashed in one go:
 * a tenth of the time, and as good as a MAC for what is of one length and cut short.
 */
export function hashNumbers({ auditKey }: Keys, numbers: readonly string[]): string[] {
  if (numbers.length === 0) return [];
  const key = hmacSha256(auditKey).update('numbers of patients').digest('hex');
  return numbers.map((number) => `#${hash('sha256', key + number, 'base64url').slice(0, 14)}`);
}

/**
 * What was asked, for the audit record: every parameter's name, and the values that are about no person in particular.
 * What is not known to be plain is hashed, unknown parameters' values included: people put numbers anywhere.
 * @param isPlain further parameters whose values may be kept, by their name without modifier or chain.
 */
export function describeQuery(
  secrets: Keys,
  parameters: Iterable<readonly [string, string]>,
  isPlain: (name: string) => boolean = () => false,
): string {
  const parts: string[] = [];
  for (const [name, value] of parameters) {
    const named = NAME.test(name) && !holdsHealthNumber(name);
    const shownName = named ? name : hashPersonal(secrets, name);
    const plain = named && valueIsPlain(name, value, isPlain);
    parts.push(`${shownName}=${plain ? value : hashPersonal(secrets, value)}`);
  }
  const query = parts.join('&');
  return query.length <= LENGTH_MAX ? query : `${query.slice(0, LENGTH_MAX - 1)}…`;
}

const LENGTH_MAX = 1000;
const NAME = /^[A-Za-z0-9_:.-]{1,100}$/;

function valueIsPlain(name: string, value: string, isPlain: (name: string) => boolean) {
  const [path = '', modifier = ''] = splitModifier(name);
  const last = path.split('.').at(-1)!;
  if (PERSONAL.test(last) || PERSONAL_MODIFIERS.has(modifier)) return false;
  return (PLAIN.has(last) || isPlain(last)) && PLAIN_VALUE.test(value) && !holdsHealthNumber(value);
}

/** `subject:Patient.name` ends in the parameter `name`; `_has:Observation:patient:code` in `code`. */
function splitModifier(name: string): [string, string?] {
  if (name.startsWith('_has:')) return [name.slice(name.lastIndexOf(':') + 1)];
  const chained = name.lastIndexOf('.');
  const colon = name.indexOf(':', chained + 1);
  return colon === -1 ? [name] : [name.slice(0, colon), name.slice(colon + 1)];
}

/** These search by what is said of a person, whatever the parameter. */
const PERSONAL_MODIFIERS = new Set(['identifier', 'text', 'contains', 'exact', 'of-type']);
const PERSONAL =
  /^(identifier|name|family|given|phonetic|birth-?date|death-?date|phone|email|telecom|address.*|_content|_text|_filter)$/i;
const PLAIN_VALUE = /^[A-Za-z0-9_.:|/,*+$-]{0,200}$/;

/** The parameters of the common types that hold codes, times, references and settings of the search itself. */
const PLAIN = new Set(
  `_id _lastUpdated _count _sort _include _revinclude _summary _elements _total _format _pretty _type _since _tag
   _security _profile _source _at _has active authored authoredon based-on bodysite category class clinical-status
   code code-value-concept code-value-date code-value-quantity combo-code component-code context created criticality
   date effective encounter facility general-practitioner gender intent issued length link location manifestation
   medication onset-date organization participant patient performer period priority reaction-date recorded-date
   recorder requester result service-type severity site specialty start status subject target-disease type
   vaccine-code value-concept value-quantity verification-status`.split(/\s+/),
);

/** NHS, CHI and Health and Care numbers: ten digits of which the last is a check digit, modulus 11. */
const holdsHealthNumber = (value: string): boolean => healthNumbersIn(value).length > 0;

/** Those in a text, as ten digits each. */
export function healthNumbersIn(text: string): string[] {
  const found = text.match(TEN_DIGITS) ?? [];
  return found.map((number) => number.replaceAll(/\D/g, '')).filter(isHealthNumber);
}

function isHealthNumber(number: string): boolean {
  const digits = [...number].map(Number);
  const sum = digits.reduce((total, digit, index) => total + digit * (10 - index), 0);
  return (11 - ((sum - digits[9]!) % 11)) % 11 === digits[9];
}
const TEN_DIGITS = /(?<![\dA-Za-z-])\d{3}[ -]?\d{3}[ -]?\d{4}(?![\dA-Za-z-])/g;
