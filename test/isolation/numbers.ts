/** What is to be used once, in all worlds of a run. */
let markers = 0;
export const nextMarker = (): string => `Marker${++markers}`;

let candidates = 0;

/** The next number with a right check digit in the range 999 000 0000 on, which is for tests. */
export function nextNhsNumber(): string {
  for (;;) {
    const nine = String(999_000_000 + candidates++);
    const sum = [...nine].reduce((total, digit, index) => total + Number(digit) * (10 - index), 0);
    const check = (11 - (sum % 11)) % 11;
    if (check !== 10) return nine + check;
  }
}

let codes = 0;
export const nextOdsCode = (): string => `W${String(++codes).padStart(6, '0')}`;
