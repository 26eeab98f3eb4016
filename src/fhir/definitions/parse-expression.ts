/** What R4's search parameter expressions are made of, which is a small part of FHIRPath. */
export type Expression =
  | { kind: 'root'; name: string }
  | { kind: 'union'; of: Expression[] }
  | { kind: 'child'; of: Expression; name: string }
  | { kind: 'ofType'; of: Expression; type: string }
  | { kind: 'equals'; of: Expression; name: string; value: string }
  | { kind: 'refers'; of: Expression; type: string }
  | { kind: 'at'; of: Expression; index: number }
  | { kind: 'truth'; of: Expression };

/**
 * Reads an expression such as `(Observation.value.ofType(string)) | Observation.code.text` or
 * `Appointment.participant.actor.where(resolve() is Patient)`.
 * Returns undefined for anything outside that grammar, so that nothing is indexed by a guess.
 */
export function parseExpression(source: string): Expression | undefined {
  const truth = /^(\w+(?:\.\w+)*)\.exists\(\) and \1 != false$/.exec(source.trim());
  if (truth?.[1]) {
    const of = parseExpression(truth[1]);
    return of && { kind: 'truth', of };
  }
  const tokens = source.match(/'[^']*'|\w+|[().|=[\]]|\S/g) ?? [];
  let position = 0;
  const peek = () => tokens[position];
  const take = (expected: string) => (tokens[position] === expected ? Boolean(++position) : false);
  const word = () => (/^\w+$/.test(peek() ?? '') ? tokens[position++] : undefined);

  function union(): Expression | undefined {
    const of: Expression[] = [];
    do {
      const next = path();
      if (!next) return undefined;
      of.push(next);
    } while (take('|'));
    return of.length === 1 ? of[0] : { kind: 'union', of };
  }

  function path(): Expression | undefined {
    let result: Expression | undefined;
    if (take('(')) {
      result = union();
      if (take('as')) result = typed(result, word());
      if (!take(')')) return undefined;
    } else {
      const name = word();
      result = name ? { kind: 'root', name } : undefined;
    }
    while (result && (peek() === '.' || peek() === '[')) result = step(result);
    return result;
  }

  function step(of: Expression): Expression | undefined {
    if (take('[')) {
      const index = Number(word());
      return take(']') && Number.isInteger(index) ? { kind: 'at', of, index } : undefined;
    }
    take('.');
    const name = word();
    if (!name) return undefined;
    if (!take('(')) return { kind: 'child', of, name };
    if (name === 'ofType' || name === 'as') {
      const type = word();
      return take(')') ? typed(of, type) : undefined;
    }
    return name === 'where' ? where(of) : undefined;
  }

  function where(of: Expression): Expression | undefined {
    const name = word();
    if (name === 'resolve' && take('(') && take(')') && take('is')) {
      const type = word();
      return type && take(')') ? { kind: 'refers', of, type } : undefined;
    }
    if (!name || !take('=')) return undefined;
    const value = /^'(.*)'$/.exec(tokens[position++] ?? '')?.[1];
    return value !== undefined && take(')') ? { kind: 'equals', of, name, value } : undefined;
  }

  const typed = (of: Expression | undefined, type: string | undefined): Expression | undefined =>
    of && type ? { kind: 'ofType', of, type } : undefined;

  const parsed = union();
  return position === tokens.length ? parsed : undefined;
}
