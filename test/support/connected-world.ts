import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { newRootId } from '../../src/ids.ts';
import { permissionsOf } from '../../src/oauth/scopes.ts';

export type TestOrganisation = { id: string; odsCode: string; name: string };
type Role = 'administrator' | 'coordinator' | 'professional';
type SystemParts = {
  clientId?: string;
  name?: string;
  company?: string;
  purpose?: string;
  standing?: 'draft' | 'in-review' | 'live' | 'suspended';
  scopes?: string[];
  privacyNoticeUrl?: string;
};

/** Puts organisations, staff and third-party systems into a test's database, with as little said as possible. */
export function connectedWorld(owner: Pool) {
  let count = 0;
  const next = () => ++count;

  return {
    async organisation(name = `Organisation ${next()}`): Promise<TestOrganisation> {
      const organisation = { id: newRootId(), odsCode: `T${String(next()).padStart(5, '0')}`, name };
      await owner.query('insert into organisation (id, ods_code, name) values ($1, $2, $3)', [
        organisation.id,
        organisation.odsCode,
        organisation.name,
      ]);
      return organisation;
    },

    async staff(organisationId: string, role: Role = 'administrator', name = `Person ${next()}`) {
      const accountId = newRootId();
      await owner.query(`insert into account (id, email, name, password_hash) values ($1, $2, $3, 'none')`, [
        accountId,
        `${randomUUID()}@example.org`,
        name,
      ]);
      await owner.query('insert into staff_role (account_id, organisation_id, role) values ($1, $2, $3)', [
        accountId,
        organisationId,
        role,
      ]);
      return { accountId, organisationId, name, requestId: randomUUID(), address: '192.0.2.1' };
    },

    async team(organisationId: string, name: string): Promise<string> {
      const id = newRootId();
      await owner.query('insert into team (id, organisation_id, name) values ($1, $2, $3)', [
        id,
        organisationId,
        name,
      ]);
      return id;
    },

    async system(parts: SystemParts = {}): Promise<string> {
      const {
        clientId = `client-${randomUUID()}`,
        name = `System ${next()}`,
        company = `Company ${next()}`,
        purpose = 'Shows results to clinicians.',
        standing = 'live',
        scopes = ['system/Patient.rs', 'system/Observation.cruds'],
        privacyNoticeUrl = 'https://company.example.org/privacy',
      } = parts;
      const companyId = newRootId();
      await owner.query('insert into company (id, name) values ($1, $2)', [companyId, company]);
      await owner.query(
        `insert into system (client_id, company_id, name, purpose, contact_name, contact_email,
                             privacy_notice_url, standing, scopes, permissions, auth_method)
         values ($1, $2, $3, $4, 'Sam Contact', 'sam@company.example.org', $5, $6, $7, $8, 'private_key_jwt')`,
        [clientId, companyId, name, purpose, privacyNoticeUrl, standing, scopes, permissionsOf(scopes)],
      );
      return clientId;
    },

    /** A patient registered with these organisations, with one entry of each type given. */
    async patient(organisationIds: string[], entries: { type: string; label?: number; by?: string }[] = []) {
      const id = newRootId();
      const route = Number.parseInt(id.slice(0, 8), 16) | 0;
      await owner.query(`insert into patient (route, id, birth_date) values ($1, $2, '1980-01-01')`, [
        route,
        id,
      ]);
      for (const organisationId of organisationIds) {
        await owner.query(
          'insert into registration (route, patient_id, organisation_id) values ($1, $2, $3)',
          [route, id, organisationId],
        );
      }
      for (const { type, label = 0, by = organisationIds[0] } of entries) {
        await owner.query(
          `insert into resource (route, id, type, patient_id, organisation_id, label, version, updated_at, tokens, content)
           values ($1, $2, $3, $4, $5, $6, 1, now(), '{}', '{}')`,
          [route, randomUUID(), type, id, by, label],
        );
      }
      return id;
    },
  };
}
