import type { JsonObject } from '../store/content.ts';

/** A row of `subscription` as it is read. */
export type SubscriptionRow = {
  id: string;
  content: string;
  status: string;
  error: string | null;
  version: number;
  updated_at: Date;
};

/** The Subscription as it is answered, JSON text: what was sent, and how it stands now. */
export function contentOf({ id, content, status, error, version, updated_at: at }: SubscriptionRow): string {
  const { resourceType, ...rest } = JSON.parse(content) as JsonObject;
  const meta = { versionId: String(version), lastUpdated: at.toISOString() };
  return JSON.stringify({ resourceType, id, meta, status, ...(error && { error }), ...rest });
}
