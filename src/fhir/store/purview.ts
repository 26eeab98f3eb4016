/**
 * What the decision's row `d` says, in every statement's answer. `decide()` comes first in each statement that touches
 * patients' data, and opens the row-level security of the same transaction (migration 0002).
 */
export const DECISION = 'd.outcome, d.client_id, d.connection_id, d.organisation_id';

export type DecisionRow = {
  outcome: string;
  client_id: string | null;
  connection_id: string | null;
  organisation_id: string | null;
};

/** `$1` the token's hash, `$2` the organisation as named, `$3` the permissions any of which will do. */
export const DECIDE = 'decide($1::bytea, $2::text, $3::text[])';

/**
 * The purview of the decision `d` over one row of `resource` or `resource_version`, written out: row-level security
 * holds the same, so that one of the two forgotten leaks nothing. Test both by leaving out the other.
 * `offset 0`: asked row by row, never by reading all registrations of the organisation first (migration 0019).
 */
export const purviewOf = (row: string) => `
  (d.labels >> ${row}.label) & 1 = 1
  and case when ${row}.patient_id is null then ${row}.organisation_id = d.organisation_id
      else exists (select from registration g
                    where g.route = ${row}.route and g.patient_id = ${row}.patient_id
                      and g.organisation_id = d.organisation_id and (d.teams is null or g.teams && d.teams)
                      and ${sharedWith(row)} offset 0)
      end`;

/**
 * The same where the registration `g` of the row's patient with the decision's organisation is at hand already. What a
 * patient chose about one organisation (`by_patient`) is shared with no other.
 */
export const sharedWith = (row: string) =>
  `(${row}.organisation_id = d.organisation_id or ${row}.type = 'Patient'
    or ((g.shared_labels >> ${row}.label) & 1 = 1 and ${row}.by_patient is null))`;
