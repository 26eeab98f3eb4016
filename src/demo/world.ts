import { createCalendar } from './calendar.ts';
import { type DemoConnection, makeConnections } from './connections.ts';
import { type DemoOrganisation, makeOrganisations } from './organisations.ts';
import { type DemoPatient, generatePatients } from './patients.ts';
import { type DemoPerson, makeStaff } from './staff.ts';
import { type DemoCompany, type DemoSystem, makeSystems } from './systems.ts';

export type World = {
  seed: string;
  /** YYYY-MM-DD; everything in the world is told relative to it. */
  today: string;
  organisations: DemoOrganisation[];
  staff: DemoPerson[];
  companies: DemoCompany[];
  /** The six that are live, and after them one draft and one suspended, which no search may find. */
  systems: DemoSystem[];
  connections: DemoConnection[];
  /** A fresh walk through all patients each time; one patient is in memory at once. */
  patients: () => Generator<DemoPatient>;
};

export type WorldOptions = {
  today: string;
  /** How many; up to 900,000, as many as there are test NHS numbers. */
  patients?: number;
  /** About how many each has, beside the Patient itself. */
  resourcesPerPatient?: number;
  seed?: string;
};

/** The seed of the world that `npm start` loads; docs/demo-world.md describes what comes of it. */
const DEMO_SEED = 'riverbourne';

/**
 * The demo world: three organisations, their staff, six third-party systems and their connections, and patients
 * with a believable record. A function of its options alone: no clock, no chance that cannot be repeated.
 */
export function generateWorld(options: WorldOptions): World {
  const { today, patients = 500, resourcesPerPatient = 40, seed = DEMO_SEED } = options;
  const calendar = createCalendar(today);
  const organisations = makeOrganisations(seed);
  const staff = makeStaff(seed, organisations);
  const { companies, systems } = makeSystems(seed);
  return {
    seed,
    today,
    organisations,
    staff,
    companies,
    systems,
    connections: makeConnections({ seed, calendar, organisations, staff, systems }),
    patients: () =>
      generatePatients({ seed, calendar, organisations, staff, count: patients, resourcesPerPatient }),
  };
}
