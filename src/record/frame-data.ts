import type { OpenRecord } from './open-record.ts';
import type { Whose } from './read-record.ts';

/** What every page of a record takes (pages/frame.njk). A record opened for one patient alone leads nowhere else. */
export const frameData = (record: OpenRecord, banner: Whose) => ({
  banner,
  own: record.own ?? false,
  kept: record.kept ?? {},
  glass: record.glass?.() ?? { until: null, mayBreak: false },
  ...(record.locked && { locked: true, navigation: [] }),
});
