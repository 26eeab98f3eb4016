/** What a launch says, whichever way it was written. Who says so is not proved by it. */
export type LaunchFields = {
  /** ODS code of the practice whose SystmOne it was. */
  organisation: string;
  userName: string;
  /** Ten digits with a right check digit. */
  nhsNumber: string;
  /** YYYY-MM-DD; null: not sent. */
  birthDate: string | null;
  /** The role in the clinical system, as it says it: never a reason to allow anything. */
  role: string | null;
  /** Outside these the link must not work; null: not sent. */
  notBefore: Date | null;
  expires: Date | null;
  serviceId: string | null;
};

export type FieldName = keyof LaunchFields;

/** Why one field is not usable. People who set the link up are told; whoever sent it is not. */
export type Problem =
  | 'missing'
  | 'out-of-order'
  | 'unexpected'
  | 'percent-encoding'
  | 'encoding'
  | 'length'
  | 'padding'
  | 'shape'
  | 'check-digit'
  | 'key-name';

export type FieldReport = {
  /** The parameter's name in the link. */
  parameter: string;
  field: FieldName | null;
  /** As it stands in the link; null: not there. */
  sent: string | null;
  /** What it says; null when that cannot be told. */
  value: string | null;
  problem: Problem | null;
};

export type Inspection = { fields: LaunchFields | null; reports: FieldReport[] };

/** One row of SystmOne's "URL & Program Maintenance": text as it is, or a field that SystmOne puts in. */
export type LinkPart =
  | { kind: 'text'; text: string }
  | { kind: 'field'; field: FieldName; label: string; encrypted: boolean };

export type Profile = {
  /** The query's beginning, which belongs to the URL prefix. */
  prefix: string;
  /** What follows the prefix, in order. */
  parts: LinkPart[];
  /** The whole query (without `?`) for these fields, exactly as the clinical system would write it. */
  encode(fields: LaunchFields): string;
  /**
   * Reads a query, saying of each field what came of it. The same work is done whatever is wrong and wherever, so
   * that time tells nobody which part of a forged link was right.
   */
  inspect(query: string): Inspection;
};
