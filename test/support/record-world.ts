import { randomUUID } from 'node:crypto';
import type { PrivacyLabel } from '../../src/fhir/store/labels.ts';
import { rowBuilder } from '../../src/fhir/store/row.ts';
import { newResourceId, newRootId, routeOf } from '../../src/ids.ts';
import { connectedWorld } from './connected-world.ts';
import { type TestDatabase, testDatabase } from './database.ts';
import { type RecordApp, recordApp } from './record-app.ts';
import { makers, testDefinitions } from './world.ts';

type Role = 'administrator' | 'coordinator' | 'professional';

/** A small world to read records in, with the record's pages over it. */
export async function recordWorld() {
  const db: TestDatabase = await testDatabase();
  const app: RecordApp = await recordApp(db.database);
  const { owner } = db.database;
  const made = makers(owner, rowBuilder(await testDefinitions()));
  const connected = connectedWorld(owner);

  return {
    ...made,
    db,
    app,
    owner,
    staff: (organisation: { id: string }, role: Role = 'professional', name?: string) =>
      connected.staff(organisation.id, role, name),

    /** A problem by this name. */
    problem: (
      organisation: { id: string },
      patient: { id: string },
      text: string,
      options: { label?: PrivacyLabel; status?: string } = {},
    ) =>
      made.stored(
        organisation,
        {
          resourceType: 'Condition',
          clinicalStatus: {
            coding: [
              {
                system: 'http://terminology.hl7.org/CodeSystem/condition-clinical',
                code: options.status ?? 'active',
              },
            ],
          },
          code: { text },
          subject: { reference: `Patient/${patient.id}` },
          onsetDateTime: '2024-05-03',
        },
        { patientId: patient.id, label: options.label },
      ),

    /** A patient's account, as joining makes it. */
    async account(patient: { id: string }): Promise<string> {
      const id = newResourceId(patient.id);
      await owner.query(
        `insert into patient_account (route, id, patient_id, email, password_hash, joined_at)
         values ($1, $2, $3, $4, 'none', now())`,
        [routeOf(id), id, patient.id, `${randomUUID()}@example.org`],
      );
      return id;
    },

    async identified(patient: { id: string }, number: string): Promise<void> {
      await owner.query(
        'insert into patient_identifier (system, value, route, patient_id) values ($1, $2, $3, $4)',
        ['https://fhir.nhs.uk/Id/nhs-number', number, routeOf(patient.id), patient.id],
      );
    },

    newId: newRootId,

    async stop() {
      await app.app.close();
      await db.stop();
    },
  };
}

export type RecordWorld = Awaited<ReturnType<typeof recordWorld>>;
