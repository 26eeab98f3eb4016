import type { PoolClient } from 'pg';
import type { BinaryAddress } from '../../attachments/index.ts';
import { routeOf } from '../../ids.ts';

type On = Pick<PoolClient, 'query'>;

export type LetterRow = {
  id: string;
  title: string;
  organisationName: string;
  documentAt: Date;
  visibleFrom: Date;
  firstReadAt: Date | null;
  earlierReadAt: Date | null;
  reportedUnreadableAt: Date | null;
  replacedBy: string | null;
};

export type LetterFilter = { text: string; unreadOnly: boolean; page: number };

export const PAGE_SIZE = 20;

const COLUMNS = `l.id, l.title, o.name as "organisationName", l.document_at as "documentAt",
  l.visible_from as "visibleFrom", l.first_read_at as "firstReadAt", l.earlier_read_at as "earlierReadAt",
  l.reported_unreadable_at as "reportedUnreadableAt",
  case when l.replaced_from <= clock_timestamp() then l.replaced_by end as "replacedBy"`;

/** Current: not removed, and not replaced by one that can be seen already. */
const CURRENT = `l.removed_at is null and (l.replaced_from is null or l.replaced_from > clock_timestamp())`;

const MATCHES = `($2 = '' or position(lower($2) in lower(l.title)) > 0 or position(lower($2) in lower(o.name)) > 0)
  and (not $3 or l.first_read_at is null)`;

/** The patient's letters, newest first. All of this room's statements run inside `asPatient`: only theirs are there. */
export async function listLetters(on: On, patientId: string, { text, unreadOnly, page }: LetterFilter) {
  const route = routeOf(patientId);
  const { rows: counts } = await on.query<{ total: number; unread: number; matching: number }>({
    name: 'letters-count',
    text: `select count(*) as total, count(*) filter (where l.first_read_at is null) as unread,
                  count(*) filter (where ${MATCHES}) as matching
             from letter l join organisation o on o.id = l.organisation_id
            where l.route = $1 and l.patient_id = $4 and ${CURRENT}`,
    values: [route, text, unreadOnly, patientId],
  });
  const { rows } = await on.query<LetterRow>({
    name: 'letters-list',
    text: `select ${COLUMNS}
             from letter l join organisation o on o.id = l.organisation_id
            where l.route = $1 and l.patient_id = $4 and ${CURRENT} and ${MATCHES}
            order by l.visible_from desc, l.id limit ${PAGE_SIZE} offset $5`,
    values: [route, text, unreadOnly, patientId, (page - 1) * PAGE_SIZE],
  });
  return { ...counts[0]!, rows };
}

export async function unreadLetters(on: On, patientId: string): Promise<number> {
  const { rows } = await on.query<{ unread: number }>({
    name: 'letters-unread',
    text: `select count(*) as unread from letter l
            where l.route = $1 and l.patient_id = $2 and l.first_read_at is null and ${CURRENT}`,
    values: [routeOf(patientId), patientId],
  });
  return rows[0]!.unread;
}

export type OpenedLetter = LetterRow & {
  organisationId: string;
  version: number;
  /** Counts the changes of what stands behind the document. */
  contents: number;
  content: string;
};

/** One letter with its document; what was replaced can still be opened, what was taken back cannot. */
export async function findLetter(on: On, patientId: string, id: string): Promise<OpenedLetter | null> {
  const { rows } = await on.query<OpenedLetter>({
    name: 'letters-find',
    text: `select ${COLUMNS}, l.organisation_id as "organisationId", r.version, l.contents, r.content
             from letter l
             join organisation o on o.id = l.organisation_id
             join resource r on r.route = l.route and r.id = l.id and r.type = 'DocumentReference'
            where l.route = $1 and l.id = $2 and l.patient_id = $3 and l.removed_at is null`,
    values: [routeOf(patientId), id, patientId],
  });
  return rows[0] ?? null;
}

/** The letters that this one took the place of, newest first. */
export async function replacedLetters(on: On, patientId: string, id: string): Promise<LetterRow[]> {
  const { rows } = await on.query<LetterRow>({
    name: 'letters-replaced',
    text: `select ${COLUMNS} from letter l join organisation o on o.id = l.organisation_id
            where l.route = $1 and l.patient_id = $2 and l.replaced_by = $3 and l.removed_at is null
            order by l.visible_from desc limit 20`,
    values: [routeOf(patientId), patientId, id],
  });
  return rows;
}

/** A Binary about the patient that the same organisation wrote; of an earlier version what it held then. */
export async function findBinary(
  on: On,
  patientId: string,
  organisationId: string,
  { id, version }: BinaryAddress,
): Promise<string | null> {
  const { rows } = await on.query<{ content: string }>({
    name: 'letters-binary',
    text: `select coalesce(v.content, b.content) as content
             from resource b
             left join resource_version v on v.route = $1 and v.id = $2 and v.version = $5
            where b.route = $1 and b.id = $2 and b.type = 'Binary' and b.patient_id = $3 and b.organisation_id = $4
              and ($5::integer is null or b.version = $5 or v.content is not null)`,
    values: [routeOf(patientId), id, patientId, organisationId, version],
  });
  return rows[0]?.content ?? null;
}

/** Sets the receipt. True the first time, and only then. */
export async function readLetter(on: On, id: string): Promise<boolean> {
  const { rows } = await on.query<{ now_read: boolean }>({
    name: 'letters-read',
    text: 'select now_read from read_letter($1)',
    values: [id],
  });
  return rows[0]!.now_read;
}

/** Whether the document, and what stands behind it, is still what was read. After `readLetter` it stays so until the transaction ends. */
export async function isUnchanged(on: On, { id, version, contents }: OpenedLetter): Promise<boolean> {
  const { rowCount } = await on.query({
    name: 'letters-unchanged',
    text: `select from resource r join letter l on l.route = r.route and l.id = r.id
            where r.route = $1 and r.id = $2 and r.version = $3 and l.contents = $4`,
    values: [routeOf(id), id, version, contents],
  });
  return rowCount === 1;
}

export async function reportLetter(on: On, id: string): Promise<boolean> {
  const { rows } = await on.query<{ reported: boolean }>({
    name: 'letters-report',
    text: 'select report_letter($1) as reported',
    values: [id],
  });
  return rows[0]!.reported;
}
