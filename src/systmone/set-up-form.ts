import { type Static, Type } from 'typebox';
import { isEncrypted, type LaunchChoices } from './configuration.ts';

const Text = (maxLength: number) => Type.String({ default: '', maxLength });

export const SetUpForm = Type.Object({
  form: Text(100),
  profile: Text(20),
  cipher: Text(20),
  encoding: Text(20),
  birthDate: Text(10),
  role: Text(10),
  practices: Text(4000),
  landing: Text(20),
  allowSwitch: Text(10),
  allowBreakGlass: Text(10),
  understood: Text(10),
});
export type SetUpFields = Static<typeof SetUpForm>;
export type FieldError = { field: string; text: string };

const oneOf = <Value extends string>(values: readonly Value[], text: string): Value | undefined =>
  values.find((value) => value === text);

/** The form as choices, or what is wrong with it. */
export function parseSetUp(form: SetUpFields): { choices: LaunchChoices } | { errors: FieldError[] } {
  const errors: FieldError[] = [];
  const profile = oneOf(['fields', 'sider', 'somerset', 'clear'], form.profile);
  if (!profile) errors.push({ field: 'profile', text: 'Choose how the link is protected' });
  const cipher = oneOf(['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc'], form.cipher);
  const encoding = oneOf(['hex', 'base64', 'base64url'], form.encoding);
  if (profile === 'fields' && !cipher) errors.push({ field: 'cipher', text: 'Choose the length of the key' });
  if (profile === 'fields' && !encoding)
    errors.push({ field: 'encoding', text: 'Choose how values are written' });
  if (profile && !isEncrypted({ profile }) && form.understood !== 'yes') {
    const text = 'Say that you understand that anyone who sees the link sees whose record it opens';
    errors.push({ field: 'understood', text });
  }
  const practices = [
    ...new Set(
      form.practices
        .toUpperCase()
        .split(/[\s,;]+/)
        .filter(Boolean),
    ),
  ];
  const odd = practices.find((code) => !/^[A-Z0-9]{3,10}$/.test(code));
  if (practices.length === 0) {
    errors.push({ field: 'practices', text: 'Enter the ODS code of at least one practice' });
  } else if (odd) {
    const text = `${odd.slice(0, 20)} is not an ODS code: it has 3 to 10 letters and numbers`;
    errors.push({ field: 'practices', text });
  } else if (practices.length > 200) {
    errors.push({ field: 'practices', text: 'Enter 200 practices or fewer' });
  }
  const landing = oneOf(['summary', 'results', 'letters'], form.landing);
  if (!landing) errors.push({ field: 'landing', text: 'Choose what is shown first' });
  if (errors.length > 0 || !profile || !landing) return { errors };
  const contextual = profile === 'sider' || profile === 'somerset';
  return {
    choices: {
      profile,
      cipher: profile === 'fields' ? cipher! : null,
      encoding: profile === 'fields' ? encoding! : null,
      sendsBirthDate: contextual || form.birthDate === 'yes',
      sendsRole: !contextual && form.role === 'yes',
      practices,
      landing,
      allowSwitch: form.allowSwitch === 'yes',
      allowBreakGlass: form.allowBreakGlass === 'yes',
    },
  };
}
