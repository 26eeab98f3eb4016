import type { Context } from '../context.ts';
import { sealTotpSecret, secretOf } from '../sign-in/totp.ts';
import type { World } from './world.ts';

/**
 * A demo world of an earlier version has fewer second factors. One that somebody set up themselves stays, and one that
 * an operator took away does not come back.
 */
export async function setUpSecondFactors(
  { database, secrets }: Pick<Context, 'database' | 'secrets'>,
  { staff }: Pick<World, 'staff'>,
): Promise<void> {
  for (const { id, totpSecret } of staff) {
    if (!totpSecret) continue;
    await database.owner.query(
      `update account set totp_secret = $2
        where id = $1 and totp_secret is null and not second_factor_required`,
      [id, sealTotpSecret(secrets.encryptionKey, id, secretOf(totpSecret))],
    );
  }
}
