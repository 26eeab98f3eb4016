import type { Provider } from './store.ts';

/** One value, or several with commas, of `acr` or `amr`: 'amr=mfa', 'acr=urn:example:two'. Null when it is neither. */
export function readSecondFactor(text: string): { claim: 'acr' | 'amr'; values: string[] } | null {
  const [, claim, list = ''] = /^(acr|amr)=([\x21-\x7e]{1,1000})$/.exec(text.trim()) ?? [];
  const values = list.split(',').filter(Boolean);
  return claim && values.length > 0 && values.length <= 20 ? { claim: claim as 'acr' | 'amr', values } : null;
}

/**
 * Whether an ID token's claims show a second factor as the organisation's provider shows one: `acr` is one of the values
 * (OpenID Connect Core 1.0 section 2), or `amr` holds one of them (RFC 8176). No claim shows none.
 */
export function showsSecondFactor(
  claims: Readonly<Record<string, unknown>>,
  { secondFactorClaim, secondFactorValues }: Pick<Provider, 'secondFactorClaim' | 'secondFactorValues'>,
): boolean {
  const said = claims[secondFactorClaim];
  const values = secondFactorClaim === 'amr' && Array.isArray(said) ? said : [said];
  return values.some((value) => typeof value === 'string' && secondFactorValues.includes(value));
}
