import { DirectoryError } from './directory-error.ts';

/**
 * A name as it is kept: one line, white space joined.
 * @throws {DirectoryError} DETAILS_INVALID.
 */
export function nameOf(what: string, text: string): string {
  const name = text.trim().normalize('NFC').replaceAll(/\s+/g, ' ');
  // Control and direction characters could make a name look like another one.
  if (name === '' || name.length > 200 || /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/u.test(name)) {
    throw invalid(`${what} must have 1 to 200 characters, all of which can be seen.`);
  }
  return name;
}

/**
 * An ODS code as it is kept: in capitals, however it was typed.
 * @throws {DirectoryError} DETAILS_INVALID.
 */
export function odsCodeOf(text: string): string {
  const code = text.trim().toUpperCase();
  if (!/^[A-Z0-9]{3,10}$/.test(code)) {
    throw invalid('The ODS code must have 3 to 10 letters and digits, such as RXX or A12345.');
  }
  return code;
}

/**
 * An e-mail address as it is kept: in small letters. Only ASCII, so that no two addresses that look the same are
 * two accounts.
 * @throws {DirectoryError} DETAILS_INVALID.
 */
export function emailOf(text: string): string {
  const email = text.trim().toLowerCase();
  if (email.length > 254 || !/^[!-~]+$/.test(email) || !/^[^@<>]+@[^@<>]+\.[^@<>]+$/.test(email)) {
    throw invalid('The e-mail address must be one such as asha@example.org.');
  }
  return email;
}

const invalid = (message: string) => new DirectoryError('DETAILS_INVALID', message);
