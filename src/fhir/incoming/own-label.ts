import { Refusal } from '../http/refusal.ts';
import type { JsonObject } from '../store/content.ts';
import { labelNumber, PRIVACY_LABEL_SYSTEM } from '../store/labels.ts';

/** The privacy label in `meta.security`; undefined when none was sent. @throws {Refusal} for two, or one unknown. */
export function ownLabel({ meta }: JsonObject): number | undefined {
  const codings = ((meta as JsonObject | undefined)?.security ?? []) as JsonObject[];
  const codes = codings.filter(({ system }) => system === PRIVACY_LABEL_SYSTEM).map(({ code }) => code);
  if (codes.length === 0) return undefined;
  const number = labelNumber(codes[0]);
  if (number === undefined || new Set(codes).size > 1) throw new Refusal('label-invalid');
  return number;
}
