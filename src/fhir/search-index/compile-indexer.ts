import type { Definitions, SearchParameter } from '../definitions/definitions.ts';
import { compilePath } from './compile-path.ts';
import { type Collect, converterFor } from './converters.ts';
import { presentEntry } from './entries.ts';
import { mainDateParameter } from './main-date.ts';
import { type Period, unite } from './period.ts';

/** What a row holds beside its resource so that it can be found. `entries.ts` says how entries are written. */
export interface IndexEntries {
  /** Codes, references, uris, `:present`, `:exact`; values are compared with case, as most code systems do. */
  tokens: string[];
  /** The same for parameters whose values are all Identifiers: few rows share them, so they have their own index. */
  identifiers: string[];
  /** `family=smith`: a parameter and one normalised text. */
  strings: string[];
  dates: Record<string, Period[]>;
  numbers: Record<string, number[]>;
  /** What the type's main date covers, for sorting; null without one. */
  sortDate: Period | null;
}

/**
 * Makes the function that reads all index entries of one resource type out of a resource, 0.02 ms or so a resource.
 * It expects a resource that has passed validation. Composite parameters and `near` have no entries; `_id` and
 * `_lastUpdated` are columns.
 */
export function compileIndexer(
  definitions: Definitions,
  resourceType: string,
): (resource: object) => IndexEntries {
  const mainDate = mainDateParameter(definitions, resourceType);
  const readers = definitions
    .searchParameters(resourceType)
    .filter((parameter) => !COLUMNS.has(parameter.code))
    .flatMap(compileParameter);
  return (resource) => {
    const found = { tokens: [], identifiers: [], strings: [], dates: {}, numbers: {} } as Collect;
    for (const read of readers) read(resource, found);
    return {
      tokens: distinct(found.tokens),
      identifiers: distinct(found.identifiers),
      strings: distinct(found.strings),
      dates: found.dates,
      numbers: found.numbers,
      sortDate: span(mainDate ? found.dates[mainDate] : undefined),
    };
  };
}

/** True where the entries of a parameter are in `identifiers` and not in `tokens`. */
export function isIdentifierParameter(parameter: SearchParameter): boolean {
  return parameter.paths.length > 0 && parameter.paths.every((path) => path.type === 'Identifier');
}

const COLUMNS = new Set(['_id', '_lastUpdated']);

function compileParameter(parameter: SearchParameter): ((resource: object, into: Collect) => void)[] {
  const coded = isIdentifierParameter(parameter) ? 'identifiers' : 'tokens';
  const present = presentEntry(parameter.code);
  return parameter.paths.flatMap((path) => {
    const convert = converterFor(parameter, path.type);
    if (!convert) return [];
    const read = compilePath(path);
    return [
      (resource: object, into: Collect) => {
        read(resource, (value) => {
          into[coded].push(present);
          convert(value, into, into[coded]);
        });
      },
    ];
  });
}

const distinct = (entries: string[]): string[] => (entries.length < 2 ? entries : [...new Set(entries)]);

const span = (periods: Period[] | undefined): Period | null =>
  periods?.length ? periods.reduce(unite) : null;
