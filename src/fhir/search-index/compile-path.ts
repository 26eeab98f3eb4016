import type { SearchPath, SearchStep } from '../definitions/definitions.ts';

/** Calls `visit` with every value that a path leads to, in the order of the document. */
export type ReadPath = (resource: unknown, visit: (value: unknown) => void) => void;

/** Makes a chain of property reads out of a path, once for a resource type. */
export function compilePath(path: SearchPath): ReadPath {
  let read: ReadPath = (value, visit) => visit(value);
  for (let index = path.steps.length - 1; index >= 0; index--) {
    const step = path.steps[index]!;
    const following = path.steps[index + 1];
    read = before(step, read, following?.[0] === 'at' ? following[1] : undefined);
  }
  return read;
}

function before(step: SearchStep, next: ReadPath, only: number | undefined): ReadPath {
  switch (step[0]) {
    case 'get':
      return get(step[1], next, only);
    case 'at':
      // Done by the `get` before it, which has the whole list in hand.
      return next;
    case 'equals': {
      const [, key, wanted] = step;
      return (value, visit) => {
        if ((value as Json)[key] === wanted) next(value, visit);
      };
    }
    case 'refers': {
      const wanted = step[1];
      return (value, visit) => {
        if (refersTo(value as Json, wanted)) next(value, visit);
      };
    }
    case 'truth': {
      const [, ...keys] = step;
      return (value, visit) =>
        next(
          keys.some((key) => isTrue((value as Json)[key])),
          visit,
        );
    }
  }
}

type Json = Record<string, unknown>;

function get(key: string, next: ReadPath, only: number | undefined): ReadPath {
  return (value, visit) => {
    const child = (value as Json)[key];
    if (child === undefined || child === null) return;
    if (!Array.isArray(child)) next(child, visit);
    else if (only !== undefined) {
      if (child.length > only && child[only] !== null) next(child[only], visit);
    } else {
      for (const one of child) if (one !== null) next(one, visit);
    }
  };
}

const isTrue = (value: unknown): boolean => value !== undefined && value !== null && value !== false;

/** `resolve() is Type` without resolving: the type is in the address, or stated beside it. */
function refersTo(value: Json, type: string): boolean {
  const { reference } = value;
  if (typeof reference === 'string') {
    const named = /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/.exec(
      reference,
    );
    if (named) return named[1] === type;
  }
  return value.type === type;
}
