export const NHS_NUMBER_SYSTEM = 'https://fhir.nhs.uk/Id/nhs-number';

/** True for ten digits of which the last is the modulus 11 check digit (NHS Data Dictionary, "NHS NUMBER"). */
export function isNhsNumber(text: string): boolean {
  return /^\d{10}$/.test(text) && checkDigit(text.slice(0, 9)) === Number(text[9]);
}

/**
 * Every NHS number of the range 999, which is set aside for tests and never issued to anybody, each once, in an
 * order without a pattern.
 */
export function* testNhsNumbers(): Generator<string, never> {
  for (let step = 0; step < 1_000_000; step += 1) {
    // 618033 shares no factor with a million, so the walk meets every number before it closes.
    const body = `999${String((271_828 + step * 618_033) % 1_000_000).padStart(6, '0')}`;
    const check = checkDigit(body);
    if (check !== 10) yield `${body}${check}`;
  }
  throw new RangeError('the range of test NHS numbers is used up');
}

/** The check digit of nine digits; 10 means that the number is not used. */
function checkDigit(body: string): number {
  const sum = [...body].reduce((total, digit, index) => total + Number(digit) * (10 - index), 0);
  return (11 - (sum % 11)) % 11;
}
