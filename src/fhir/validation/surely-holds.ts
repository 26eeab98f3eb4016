import {
  AndAtom,
  type Atom,
  DotAtom,
  EqualsAtom,
  FunctionAtom,
  ImpliesAtom,
  LiteralAtom,
  NotEqualsAtom,
  OrAtom,
  parseFhirPath,
  SymbolAtom,
  XorAtom,
} from '@medplum/core';
import { type Property, propertiesOf } from './properties-of.ts';

/** What an expression comes to for a value; undefined where only the FHIRPath engine can say. */
export type Known = boolean | undefined;
type Value = Record<string, unknown>;
type Ask = (value: Value) => Known;

/**
 * Compiles an invariant to a function that knows its outcome in plain cases: what is there and what is not (`exists`,
 * `empty`), codes compared with a text, and how those are combined. Nearly every invariant of R4 is of that kind for
 * nearly every value, and evaluating it took most of a write's time.
 * @param type what the invariant is about; must be loaded.
 */
export function compileInvariant(expression: string, type: string): Ask {
  return compile(parseFhirPath(expression).child, type);
}

const UNKNOWN: Ask = () => undefined;

function compile(atom: Atom, type: string): Ask {
  if (atom instanceof AndAtom) return both(atom, type, (left, right) => (left ? right() : left));
  if (atom instanceof OrAtom) return both(atom, type, (left, right, safe) => (left ? safe : right()));
  if (atom instanceof ImpliesAtom) return both(atom, type, (left, right, safe) => (left ? right() : safe));
  if (atom instanceof XorAtom) return both(atom, type, differ);
  if (atom instanceof NotEqualsAtom) {
    return compared(atom, type, false) ?? both(atom, type, differ);
  }
  if (atom instanceof EqualsAtom) {
    return compared(atom, type, true) ?? both(atom, type, (left, right) => negated(differ(left, right)));
  }
  if (!(atom instanceof DotAtom) || !(atom.right instanceof FunctionAtom)) return UNKNOWN;
  const { name, args } = atom.right;
  if (args.length > 0) return UNKNOWN;
  if (name === 'not') {
    const inner = compile(atom.left, type);
    return (value) => negated(inner(value));
  }
  if (name !== 'exists' && name !== 'empty') return UNKNOWN;
  const found = compileNodes(atom.left, type);
  return (value) => {
    const nodes = found?.(value);
    return nodes && nodes.length > 0 === (name === 'exists');
  };
}

/**
 * The engine evaluates both sides, so an unknown on the left leaves all unknown. One on the right does not matter where
 * the left decides, if evaluating it cannot fail: `safe` is true then.
 */
function both(
  { left, right }: { left: Atom; right: Atom },
  type: string,
  combine: (left: boolean, right: () => Known, safe: true | undefined) => Known,
): Ask {
  const [one, other] = [compile(left, type), compile(right, type)];
  const safe = neverFails(right) && isTruth(right) ? true : undefined;
  return (value) => {
    const known = one(value);
    return known === undefined ? undefined : combine(known, () => other(value), safe);
  };
}

function differ(left: boolean, right: () => Known): Known {
  const known = right();
  return known === undefined ? undefined : left !== known;
}

const negated = (known: Known): Known => (known === undefined ? undefined : !known);

/** A single text compared with a literal; of none at all nothing is known, for the outcome is then neither. */
function compared({ left, right }: EqualsAtom, type: string, equal: boolean): Ask | undefined {
  const property = left instanceof SymbolAtom ? textProperty(type, left.name) : undefined;
  const wanted = right instanceof LiteralAtom ? right.value.value : undefined;
  if (!property || typeof wanted !== 'string') return undefined;
  return (value) => {
    const held = value[property];
    return typeof held === 'string' ? (held === wanted) === equal : undefined;
  };
}

/** The values that a path of names leads to, `where` with texts included. */
type Nodes = (value: Value) => readonly unknown[] | undefined;

function compileNodes(atom: Atom, type: string): Nodes | undefined {
  return compilePath(atom, type)?.nodes;
}

/** `type` is undefined where what is found may be of several. */
function compilePath(atom: Atom, type: string): { nodes: Nodes; type: string | undefined } | undefined {
  if (atom instanceof SymbolAtom) return child(type, atom.name);
  if (!(atom instanceof DotAtom)) return undefined;
  const from = compilePath(atom.left, type);
  if (!from) return undefined;
  const { right } = atom;
  if (right instanceof FunctionAtom) {
    const criterion = right.name === 'where' && right.args.length === 1 && from.type;
    const holds = criterion ? compileCriterion(right.args[0]!, criterion) : undefined;
    return (
      holds && { nodes: (value) => from.nodes(value)?.filter((one) => holds(one as Value)), type: from.type }
    );
  }
  const step = right instanceof SymbolAtom && from.type ? child(from.type, right.name) : undefined;
  const nodes: Nodes = (value) => {
    const before = from.nodes(value);
    if (!before || before.length === 0 || !step) return before?.length === 0 ? before : undefined;
    const found = before.map((one) => step.nodes(one as Value));
    return found.includes(undefined) ? undefined : found.flat();
  };
  return { nodes, type: step?.type };
}

function child(type: string, name: string): { nodes: Nodes; type: string | undefined } | undefined {
  const found = [...(propertiesOf(type) ?? [])].filter(([, property]) => property.name === name);
  if (found.length === 0) return undefined;
  const keys = found.map(([key]) => key);
  const nodes: Nodes = (value) => keys.flatMap((key) => (value[key] as unknown) ?? []);
  const [only] = found.length === 1 ? found : [];
  return {
    nodes,
    type: only && only[1].type !== 'Resource' && !only[1].primitive ? only[1].type : undefined,
  };
}

/** Whether `where` keeps a value: texts compared with literals, all of which or any of which must be equal. */
function compileCriterion(atom: Atom, type: string): ((value: Value) => boolean) | undefined {
  if (atom instanceof EqualsAtom) {
    const asked = compared(atom, type, true);
    return asked && ((value) => asked(value) === true);
  }
  if (!(atom instanceof AndAtom) && !(atom instanceof OrAtom)) return undefined;
  const [left, right] = [compileCriterion(atom.left, type), compileCriterion(atom.right, type)];
  if (!left || !right) return undefined;
  return atom instanceof AndAtom
    ? (value) => left(value) && right(value)
    : (value) => left(value) || right(value);
}

function textProperty(type: string, name: string): string | undefined {
  const property: Property | undefined = propertiesOf(type)?.get(name);
  return property && property.primitive === 'string' && !property.array && !property.choice
    ? name
    : undefined;
}

const HARMLESS: ReadonlySet<string> = new Set(['exists', 'empty', 'where', 'intersect']);

/** Whether the engine evaluates an expression without an error, whatever the value. */
function neverFails(atom: Atom): boolean {
  if (atom instanceof SymbolAtom) return !atom.name.startsWith('%') || atom.name === '%resource';
  if (atom instanceof LiteralAtom) return true;
  if (atom instanceof FunctionAtom) return HARMLESS.has(atom.name) && atom.args.every(neverFails);
  if (atom instanceof DotAtom || atom instanceof EqualsAtom || atom instanceof NotEqualsAtom) {
    return neverFails(atom.left) && neverFails(atom.right);
  }
  if (!isCombined(atom)) return false;
  return [atom.left, atom.right].every((side) => neverFails(side) && isTruth(side));
}

/** Whether it gives one truth value at most: with anything else the engine refuses to combine it. */
function isTruth(atom: Atom): boolean {
  if (atom instanceof EqualsAtom || atom instanceof NotEqualsAtom || isCombined(atom)) return true;
  return (
    atom instanceof DotAtom &&
    atom.right instanceof FunctionAtom &&
    (atom.right.name === 'exists' || atom.right.name === 'empty')
  );
}

const isCombined = (atom: Atom): atom is AndAtom | OrAtom | XorAtom | ImpliesAtom =>
  atom instanceof AndAtom || atom instanceof OrAtom || atom instanceof XorAtom || atom instanceof ImpliesAtom;
