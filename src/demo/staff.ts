import { newRootId } from '../ids.ts';
import { makeName } from './names.ts';
import type { DemoOrganisation } from './organisations.ts';
import { createRandom, type Random } from './random.ts';

type StaffRole = 'administrator' | 'coordinator' | 'professional';
type DemoRole = { organisationId: string; role: StaffRole; teamId: string };

export type DemoPerson = {
  id: string;
  /** With title, as it is shown: "Dr Amara Mensah". */
  name: string;
  email: string;
  /** Known to everybody who reads the documentation; production refuses to start with these accounts. */
  password: string;
  /** Base32: who grants access, or connects a clinical system, signs in with a second factor. */
  totpSecret?: string;
  roles: DemoRole[];
};

/** Two administrators, two coordinators and three professionals an organisation, and one person with two roles. */
export function makeStaff(seed: string, organisations: readonly DemoOrganisation[]): DemoPerson[] {
  const people = organisations.flatMap((organisation) =>
    CAST.map(([role, title], index) =>
      makePerson({
        random: createRandom(`${seed}/staff/${organisation.odsCode}/${index}`),
        organisation,
        role,
        title,
      }),
    ),
  );
  // The practice's first coordinator also works in the community trust, as a professional.
  const both = people.find((person) =>
    person.roles.some((held) => held.role === 'coordinator' && inPractice(held)),
  )!;
  const second = organisations.find(({ kind }) => kind === 'community')!;
  both.roles.push({ organisationId: second.id, role: 'professional', teamId: second.teams[1]!.id });
  for (const { id, odsCode } of organisations) {
    // The two whom the demo's launches are about; drawn apart, so that all else stays as it was.
    for (const person of professionalsOf(people, id).slice(0, 2)) {
      person.totpSecret ??= base32(
        createRandom(`${seed}/second-factor/${odsCode}/${person.email}`).bytes(20),
      );
    }
  }
  return people;

  function inPractice(held: DemoRole) {
    return organisations.some(({ id, kind }) => id === held.organisationId && kind === 'practice');
  }
}

/** Who works there as a professional, in the order in which the demo world tells of them. */
export const professionalsOf = (people: readonly DemoPerson[], organisationId: string): DemoPerson[] =>
  people.filter(({ roles }) =>
    roles.some((held) => held.organisationId === organisationId && held.role === 'professional'),
  );

const CAST: readonly (readonly [StaffRole, string?])[] = [
  ['administrator'],
  ['administrator'],
  ['coordinator'],
  ['coordinator'],
  ['professional', 'Dr'],
  ['professional', 'Dr'],
  ['professional', 'Nurse'],
];

type Part = { random: Random; organisation: DemoOrganisation; role: StaffRole; title?: string };

function makePerson({ random, organisation, role, title }: Part): DemoPerson {
  const { given, family, prefix } = makeName(
    random,
    random.pick(['female', 'male'] as const),
    random.integer(28, 62),
  );
  const host = organisation.odsCode.toLowerCase();
  return {
    id: newRootId(random.bytes),
    name: `${title ?? prefix} ${given[0]} ${family}`,
    email: `${plain(given[0]!)}.${plain(family)}@${host}.example.org`,
    password: makePassword(random),
    ...(role === 'administrator' && { totpSecret: base32(random.bytes(20)) }),
    roles: [
      {
        organisationId: organisation.id,
        role,
        teamId: (role === 'professional' ? random.pick(organisation.teams.slice(1)) : organisation.teams[0]!)
          .id,
      },
    ],
  };
}

/** Three words and a number. */
export const makePassword = (random: Random): string =>
  [random.pick(FIRST), random.pick(SECOND), random.pick(THIRD), random.integer(10, 99)].join('-');

const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z]/g, '');

const FIRST = [
  'amber',
  'bright',
  'copper',
  'gentle',
  'maple',
  'quiet',
  'silver',
  'velvet',
  'willow',
  'winter',
];
const SECOND = [
  'beacon',
  'cottage',
  'garden',
  'harbour',
  'lantern',
  'meadow',
  'orchard',
  'pebble',
  'saddle',
  'window',
];
const THIRD = [
  'autumn',
  'blossom',
  'compass',
  'morning',
  'october',
  'rainbow',
  'sparrow',
  'teacup',
  'thunder',
  'violin',
];

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** RFC 4648 section 6, for lengths that need no padding (multiples of five bytes). */
function base32(bytes: Buffer) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32[Number.parseInt(five, 2)]).join('');
}
