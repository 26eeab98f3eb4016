import { createHash } from 'node:crypto';

/*
 * The written form of what is indexed and what is looked for. Both sides call these, so they cannot disagree.
 *
 *   code=system|value   a value in a system            code=Type/id            a reference
 *   code=|value         a value without a system       code=https://…          a reference by address, a uri
 *   code=*|value        a value in any system or none  code:identifier=…       a logical reference, as the first four
 *   code=system|        any value of the system        code:present            the parameter has a value (for :missing)
 *                                                      code:exact=Smith        a string as it was written (for :exact)
 *
 * Parameter codes hold neither `=` nor `:`, so no two parameters share an entry.
 */

/** What is indexed for one coded value or identifier; the value and the system may each be missing, not both. */
export function codedEntries(code: string, system: string | undefined, value: string | undefined): string[] {
  if (!value) return system ? [entry(code, systemPart(system) + '|')] : [];
  if (!system) return [entry(code, '|' + value), entry(code, '*|' + value)];
  const written = systemPart(system);
  return [entry(code, written + '|' + value), entry(code, '*|' + value), entry(code, written + '|')];
}

/** The single entry for a bare code, boolean or string, whose system goes without saying. */
export const bareEntry = (code: string, value: string): string => entry(code, '*|' + value);

export const presentEntry = (code: string): string => code + ':present';

export const exactEntry = (code: string, text: string): string => entry(code + ':exact', text);

export const identifierCode = (code: string): string => code + ':identifier';

/** The four forms of a token search: `system|value`, `|value`, `value`, `system|`. */
export function soughtEntry(code: string, system: string | undefined, value: string): string {
  if (system === undefined) return entry(code, '*|' + value);
  return entry(code, systemPart(system) + '|' + value);
}

/**
 * One entry. A long value is replaced by its hash, since PostgreSQL refuses index keys beyond 2,700 bytes:
 * it can still be found by its whole value, which is all that an entry promises.
 */
export function entry(code: string, rest: string): string {
  if (rest.length <= ENTRY_LENGTH_MAX) return code + '=' + rest;
  return code + ':hash=' + createHash('sha256').update(rest).digest('base64url');
}

const ENTRY_LENGTH_MAX = 256;

/** A system must not look like the separator or like "any system". */
const systemPart = (system: string): string =>
  /[|*%]/.test(system) ? system.replace(/[|*%]/g, (sign) => '%' + sign.charCodeAt(0).toString(16)) : system;
