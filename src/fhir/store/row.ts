import { routeOf } from '../../ids.ts';
import type { Definitions } from '../definitions/definitions.ts';
import { compileIndexer, type IndexEntries } from '../search-index/compile-indexer.ts';
import {
  contentOf,
  type JsonObject,
  LABEL_MARK,
  TIME_MARK,
  VERSION_MARK,
  withoutServerSet,
} from './content.ts';
import { PRIVACY_LABELS } from './labels.ts';

export type RowInput = {
  /** Valid, its references normalised. */
  resource: JsonObject;
  /** What is printed, when it is not the same: a resource whose numbers keep the precision they were sent with. */
  printed?: JsonObject;
  id: string;
  /** Left out, the writing statement fills it in; so too `at` and `label`. */
  version?: number;
  at?: Date;
  label?: number;
  organisationId: string;
  /** Null for what belongs to the organisation alone. */
  patientId: string | null;
  onceKey?: string;
};

/** One row of the table `resource`, as the database takes it. */
export type Row = ReturnType<ReturnType<typeof rowBuilder>>;

/** Returns the one way in which a resource becomes a row: a pure function, the same for requests and bulk loads. */
export function rowBuilder(definitions: Definitions) {
  const indexers = new Map<string, (resource: JsonObject) => IndexEntries>();

  function entriesOf(type: string, resource: JsonObject): IndexEntries {
    let indexer = indexers.get(type);
    if (!indexer) {
      indexer = compileIndexer(definitions, type);
      indexers.set(type, indexer);
    }
    return indexer(withoutServerSet(resource));
  }

  return function buildRow(input: RowInput) {
    const { resource, id, version, at, label, organisationId, patientId } = input;
    const type = resource.resourceType as string;
    const { tokens, identifiers, strings, dates, numbers, sortDate } = entriesOf(type, resource);
    return {
      route: routeOf(id),
      id,
      type,
      patientId,
      organisationId,
      label: label ?? null,
      version: version ?? null,
      updatedAt: at ?? null,
      // Never null, so that pages can be cut by a plain row comparison on the index.
      sortFrom: sortDate?.[0] ?? '-infinity',
      sortTo: sortDate?.[1] ?? '-infinity',
      tokens,
      identifiers: identifiers.length > 0 ? identifiers : null,
      strings: strings.length > 0 ? strings : null,
      dates: textOf(dates),
      numbers: textOf(numbers),
      onceKey: input.onceKey ?? null,
      content: contentOf(input.printed ?? resource, {
        id,
        version: version === undefined ? VERSION_MARK : String(version),
        at: at === undefined ? TIME_MARK : at.toISOString(),
        label: label === undefined ? LABEL_MARK : PRIVACY_LABELS[label]!,
        organisationId,
      }),
    };
  };
}

function textOf(entries: Record<string, unknown> | undefined): string | null {
  if (!entries) return null;
  for (const _ in entries) return JSON.stringify(entries);
  return null;
}
