import type { Context } from '../context.ts';
import { callInWords, outcomeInWords } from './calls-in-words.ts';
import { kindInWords } from './kinds-in-words.ts';
import { permissionsInWords, typesOf } from './permissions-in-words.ts';
import type { Reach } from './reach.ts';
import type { ReviewedSystem } from './reviewed-system.ts';
import type { HistoryEntry } from './store.ts';

/** A system's details as the pages print them. Only an https address becomes a link: a company typed it. */
export function systemData<System extends ReviewedSystem>(system: System) {
  return {
    ...system,
    permissions: permissionsInWords(system.scopes),
    privacyNoticeLink: /^https:\/\//i.test(system.privacyNoticeUrl) ? system.privacyNoticeUrl : null,
  };
}

/** The numbers of `reach` for the kinds of record these scopes touch, in people's words. */
export function reachData(reach: Reach | null, scopes: readonly string[]) {
  const types = typesOf(scopes);
  const kinds = reach?.kinds.filter(({ type }) => types.includes('*') || types.includes(type)) ?? [];
  return {
    patients: reach?.patients ?? 0,
    estimated: reach?.estimated ?? false,
    kinds: kinds.map(({ type, count }) => ({ name: kindInWords(type), count })),
    asksForRecords: types.some((type) => type !== 'Patient'),
  };
}

export const historyData = (history: HistoryEntry[]) =>
  history.map((entry) => ({ ...entry, words: HAPPENED[entry.kind] }));

const HAPPENED: Record<HistoryEntry['kind'], string> = {
  granted: 'Access granted',
  narrowed: 'Permissions reduced',
  suspended: 'Access suspended',
  resumed: 'Access resumed',
  revoked: 'Access revoked',
  expired: 'Access expired',
};

/** Access ends as a day begins; people are told the last day on which there was some. */
export const lastDayOf = (expiresAt: Date | null): Date | null =>
  expiresAt && new Date(expiresAt.getTime() - 1);

/** The FHIR base that a company's software is given for this organisation. */
export const fhirBaseOf = (context: Pick<Context, 'baseUrl'>, organisationId: string): string =>
  `${context.baseUrl()}/organisations/${organisationId}/fhir/R4`;

export const callData = <Call extends { interaction: string; resourceType: string | null; outcome: string }>(
  call: Call,
) => ({
  ...call,
  what: callInWords(call.interaction, call.resourceType),
  outcome: outcomeInWords(call.outcome),
});
