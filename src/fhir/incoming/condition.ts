import { Refusal } from '../http/refusal.ts';
import type { Room } from '../room.ts';
import { isIdentifierParameter } from '../search-index/compile-indexer.ts';
import { tokenQuery } from '../search-index/token-query.ts';
import type { JsonObject } from '../store/content.ts';

/**
 * The index entry of the one identifier that a conditional create or update names (`identifier=system|value`); the
 * resource must hold it too, or sending it again would find nothing and write it again.
 */
export function conditionKey(
  { definitions }: Room,
  type: string,
  condition: string,
  sent: JsonObject,
): string {
  const parameters = [...new URLSearchParams(condition.replace(/^\?/, ''))].filter(
    ([name]) => name !== '_format',
  );
  const [[name, value = ''] = []] = parameters;
  const parameter = definitions.searchParameter(type, 'identifier');
  if (parameters.length !== 1 || name !== 'identifier' || !parameter || !isIdentifierParameter(parameter)) {
    throw new Refusal('condition-unsupported');
  }
  const bar = value.indexOf('|');
  const parsed = tokenQuery(parameter, value);
  if (!parsed.ok || parsed.value.length !== 1 || bar < 1 || bar === value.length - 1) {
    throw new Refusal('condition-unsupported');
  }
  const held = ([sent.identifier ?? []].flat() as JsonObject[]).some(
    (one) => `${one.system}|${one.value}` === unescaped(value),
  );
  if (!held) {
    throw new Refusal('condition-unsupported', {
      text: 'The resource itself must have the identifier that the condition names.',
    });
  }
  return parsed.value[0]!;
}

const unescaped = (value: string) => value.replace(/\\([,|$\\])/g, '$1');
