import { newRootId } from '../ids.ts';
import { createRandom } from './random.ts';

type DemoTeam = { id: string; name: string; isDefault: boolean };
export type OrganisationKind = 'hospital' | 'practice' | 'community';

export type DemoOrganisation = {
  /** The public id, which stands in the organisation's FHIR base. */
  id: string;
  odsCode: string;
  name: string;
  kind: OrganisationKind;
  teams: DemoTeam[];
};

/**
 * Three care providers of a town that does not exist. The ODS codes are made up: they have the shapes of a trust's
 * (three characters) and a practice's (a letter and five digits), but begin with a letter that those do not.
 */
export function makeOrganisations(seed: string): DemoOrganisation[] {
  const random = createRandom(`${seed}/organisations`);
  return ORGANISATIONS.map(({ teams, ...organisation }) => ({
    ...organisation,
    id: newRootId(random.bytes),
    teams: ['Patient Record Team', ...teams].map((name, index) => ({
      id: newRootId(random.bytes),
      name,
      isDefault: index === 0,
    })),
  }));
}

const ORGANISATIONS: readonly (Pick<DemoOrganisation, 'odsCode' | 'name' | 'kind'> & { teams: string[] })[] =
  [
    {
      odsCode: 'ZX1',
      name: 'Riverbourne Hospitals Trust',
      kind: 'hospital',
      teams: [
        'Cardiology',
        'Diabetes and Endocrinology',
        'Respiratory Medicine',
        'Children and Young People',
      ],
    },
    {
      odsCode: 'Z99901',
      name: 'Ashgrove Surgery',
      kind: 'practice',
      teams: ['Reception and Appointments', 'Long-term Conditions Clinic'],
    },
    {
      odsCode: 'ZX2',
      name: 'Fenmoor Community and Mental Health Trust',
      kind: 'community',
      teams: ['Community Nursing', 'Talking Therapies', 'Sexual Health Clinic', 'Adult Social Care Liaison'],
    },
  ];
