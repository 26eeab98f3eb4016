import { invalidRequest, OAuthError } from './oauth-error.ts';

export type Form = ReadonlyMap<string, string>;

/**
 * The parameters of a request to one of the endpoints. A parameter without a value counts as left out, and none may
 * come twice (RFC 6749 section 3.2): of two values, one part of a system might check the one and use the other.
 * @throws {OAuthError} invalid_request; invalid_target for a second `resource`.
 */
export function readForm(contentType: string | undefined, body: string): Form {
  const [mediaType = ''] = (contentType ?? '').split(';', 1);
  if (mediaType.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    throw invalidRequest('the body must be application/x-www-form-urlencoded');
  }
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body)) {
    if (form.has(name)) {
      // RFC 8707 section 2 lets a server refuse more than one.
      if (name === 'resource')
        throw new OAuthError('invalid_target', 'a token is for one organisation: send one resource');
      throw invalidRequest('a parameter came twice');
    }
    form.set(name, value);
  }
  for (const [name, value] of form) if (value === '') form.delete(name);
  return form;
}
