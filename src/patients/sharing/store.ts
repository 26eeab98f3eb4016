import type { PoolClient } from 'pg';
import { newResourceId, routeOf } from '../../ids.ts';

type On = Pick<PoolClient, 'query'>;

export type Sharing = {
  organisationId: string;
  organisationName: string;
  sharedLabels: number;
  registeredAt: Date;
};

export type Choice = {
  organisationName: string;
  at: Date;
  labelsBefore: number;
  labels: number;
  stoppedAll: boolean;
};

export const PAGE_SIZE = 20;

/** The organisations that the patient is registered with, and what each sees of others' entries. Inside `asPatient`. */
export async function listSharing(on: On, patientId: string): Promise<Sharing[]> {
  const { rows } = await on.query<Sharing>({
    name: 'sharing-list',
    text: `select g.organisation_id as "organisationId", o.name as "organisationName",
                  g.shared_labels::integer as "sharedLabels", g.registered_at as "registeredAt"
             from registration g join organisation o on o.id = g.organisation_id
            where g.route = $1 and g.patient_id = $2
            order by o.name, o.id`,
    values: [routeOf(patientId), patientId],
  });
  return rows;
}

/** Changes what one organisation sees, and keeps the choice. Null for one the patient is not registered with. */
export async function chooseSharing(
  on: On,
  patientId: string,
  choice: { organisationId: string; labels: number; stoppedAll: boolean },
): Promise<{ before: number } | null> {
  const { rows } = await on.query<{ before: number | null }>({
    name: 'sharing-choose',
    text: 'select choose_sharing($1, $2::smallint, $3, $4)::integer as before',
    values: [choice.organisationId, choice.labels, newResourceId(patientId), choice.stoppedAll],
  });
  const before = rows[0]!.before;
  return before === null ? null : { before };
}

/** Earlier choices, newest first. */
export async function listChoices(on: On, patientId: string, page: number) {
  const route = routeOf(patientId);
  const { rows: counts } = await on.query<{ total: number }>({
    name: 'sharing-choices-count',
    text: 'select count(*) as total from sharing_choice where route = $1 and patient_id = $2',
    values: [route, patientId],
  });
  const { rows } = await on.query<Choice>({
    name: 'sharing-choices',
    text: `select o.name as "organisationName", c.at, c.labels_before::integer as "labelsBefore",
                  c.labels::integer as labels, c.stopped_all as "stoppedAll"
             from sharing_choice c join organisation o on o.id = c.organisation_id
            where c.route = $1 and c.patient_id = $2
            order by c.at desc, c.id limit ${PAGE_SIZE} offset $3`,
    values: [route, patientId, (page - 1) * PAGE_SIZE],
  });
  return { total: counts[0]!.total, rows };
}
