import { createHash } from 'node:crypto';

/** Everything of a third-party system that an administrator is shown before granting it access. */
export type ReviewedSystem = {
  clientId: string;
  name: string;
  company: string;
  /** In the company's own words. */
  purpose: string;
  contactName: string;
  contactEmail: string;
  privacyNoticeUrl: string;
  /** As registered, SMART v2. */
  scopes: string[];
};

/**
 * Names what was shown. The review page's form sends it back, so that an administrator grants what they read:
 * a registration that has changed meanwhile has another digest and is shown again first.
 */
export function reviewDigest(system: ReviewedSystem): string {
  const shown = [
    system.clientId,
    system.name,
    system.company,
    system.purpose,
    system.contactName,
    system.contactEmail,
    system.privacyNoticeUrl,
    [...system.scopes].sort(),
  ];
  return createHash('sha256').update(JSON.stringify(shown)).digest('base64url');
}
