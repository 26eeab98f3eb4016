import { isUuid } from '../../ids.ts';
import { type Call, parametersOf } from './call.ts';

const NAMED_MAX = 20;

/**
 * The patients whom a search names by id, for the audit record of one that was refused: it is shown to them as an
 * attempt. Whether there are such patients is not looked up, so that a refusal costs and tells nothing more.
 */
export function namedPatients(call: Call): string[] {
  const [type, id] = call.segments;
  const ids = new Set<string>();
  for (const [name, value] of askedOf(call)) {
    const own = name === '_id' && type === 'Patient';
    if (!own && !/^(patient|subject)(:Patient)?$/.test(name)) continue;
    for (const one of value.split(',', NAMED_MAX)) {
      // An id, a reference, or a reference by its whole address (R4 section 3.1.1.4.12).
      const named = /^(?:(?:.*\/)?Patient\/)?([^/]+)$/.exec(one)?.[1] ?? '';
      if (isUuid(named)) ids.add(named);
    }
  }
  if (type === 'Patient' && id !== undefined && isUuid(id)) ids.add(id);
  return [...ids].slice(0, NAMED_MAX);
}

function askedOf(call: Call): [string, string][] {
  try {
    return parametersOf(call);
  } catch {
    return [...new URLSearchParams(call.query)];
  }
}
