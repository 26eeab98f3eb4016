/** Splits at a separator that has no backslash before it (R4 section 3.1.1.4.5); escapes stay for `unescapeValue`. */
export function splitValue(raw: string, separator: ',' | '|' | '$'): string[] {
  const parts = [''];
  for (let index = 0; index < raw.length; index++) {
    const sign = raw.charAt(index);
    if (sign === separator) parts.push('');
    else if (sign === '\\' && index + 1 < raw.length) parts[parts.length - 1] += sign + raw.charAt(++index);
    else parts[parts.length - 1] += sign;
  }
  return parts;
}

/** `\,` `\|` `\$` `\\` stand for the sign itself; any other backslash is one. */
export const unescapeValue = (part: string): string => part.replace(/\\([,|$\\])/g, '$1');
