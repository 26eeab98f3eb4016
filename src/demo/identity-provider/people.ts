import { createRandom } from '../random.ts';
import { professionalsOf } from '../staff.ts';
import type { World } from '../world.ts';
import type { Person } from './create-issuer.ts';

export const PATH = '/demo/identity-provider';
export const issuerAt = (baseUrl: string): string => baseUrl + PATH;

/** What the demo's provider says of a second factor: `amr=mfa`, or only that there was a password. */
export const SECOND_FACTOR = { claim: 'amr', values: ['mfa'] } as const;

export type DemoIdentity = Person & {
  email: string;
  accountId: string;
  /** Whether the account is connected with it from the start. */
  connected: boolean;
};

/**
 * The practice's own sign-in and who has one: its professionals. The first two are connected with their accounts here,
 * the third has yet to.
 */
export function demoSignIn({ seed, organisations, staff }: World) {
  const organisation = organisations.find(({ kind }) => kind === 'practice')!;
  const random = createRandom(`${seed}/identity-provider/${organisation.odsCode}`);
  const secret = random.bytes(32).toString('base64url');
  const people = professionalsOf(staff, organisation.id).map(({ id, name, email }, index): DemoIdentity => {
    const [given = '', family = ''] = email.split('@')[0]!.split('.');
    return {
      subject: random.bytes(12).toString('hex'),
      name,
      login: `${family}.${given}`,
      email,
      accountId: id,
      connected: index < 2,
    };
  });
  return { organisation, client: { id: 'connected-systems', secret }, people };
}
