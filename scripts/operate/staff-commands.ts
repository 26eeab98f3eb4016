import { addOrganisation } from '../../src/directory/add-organisation.ts';
import { addStaff, endStaff, ROLES, type Staff } from '../../src/directory/add-staff.ts';
import { hashPassword } from '../../src/sign-in/index.ts';
import { inTransaction } from '../../src/systems/in-transaction.ts';
import type { Command } from './command.ts';
import { newPassword } from './new-password.ts';

export const staffCommands: Record<string, Command> = {
  'add-organisation': {
    summary: 'adds an organisation, its default team and its first administrator',
    options: {
      name: { value: 'name', meaning: 'what the organisation is called' },
      'ods-code': { value: 'code', meaning: 'its ODS code' },
      'administrator-email': { value: 'e-mail', meaning: 'whom to make its administrator' },
      'administrator-name': { value: 'name', meaning: "the administrator's name" },
    },
    async run(of, { database }) {
      const password = newPassword();
      const passwordHash = await hashPassword(password);
      const { organisation, staff } = await inTransaction(database.service, async (client) => {
        const organisation = await addOrganisation(client, { name: of('name'), odsCode: of('ods-code') });
        const staff = await addStaff(client, {
          odsCode: organisation.odsCode,
          email: of('administrator-email'),
          name: of('administrator-name'),
          role: 'administrator',
          passwordHash,
        });
        return { organisation, staff };
      });
      return {
        about: aboutStaff(staff, 'administrator'),
        lines: [
          `Organisation: ${organisation.name} (${organisation.odsCode})`,
          `Organisation public ID: ${organisation.id}`,
          ...staffLines(staff, 'administrator', password),
        ],
      };
    },
  },

  'add-staff': {
    summary: 'gives a person a role in an organisation, with the account that they have or a new one',
    options: {
      organisation: { value: 'ODS code', meaning: 'which organisation' },
      email: { value: 'e-mail', meaning: "the person's e-mail address, with which they sign in" },
      name: { value: 'name', meaning: 'their name; an account that is there keeps the name it has' },
      role: { value: 'role', meaning: ROLES.join(', ') },
    },
    async run(of, { database }) {
      const password = newPassword();
      const passwordHash = await hashPassword(password);
      const role = of('role');
      const staff = await inTransaction(database.service, (client) =>
        addStaff(client, {
          odsCode: of('organisation'),
          email: of('email'),
          name: of('name'),
          role,
          passwordHash,
        }),
      );
      return { about: aboutStaff(staff, role), lines: staffLines(staff, role, password) };
    },
  },

  'end-staff': {
    summary: "ends a person's role in an organisation, at once",
    options: {
      organisation: { value: 'ODS code', meaning: 'which organisation' },
      email: { value: 'e-mail', meaning: "the person's e-mail address" },
    },
    async run(of, { database }) {
      const ended = await inTransaction(database.service, (client) =>
        endStaff(client, { odsCode: of('organisation'), email: of('email') }),
      );
      const warning = 'The organisation has no administrator now: add-staff gives it one.';
      return {
        about: { organisationId: ended.organisationId, resourceType: 'account', resourceId: ended.accountId },
        lines: ['The role has ended.', ...(ended.administratorsLeft === 0 ? [warning] : [])],
      };
    },
  },
};

const aboutStaff = ({ organisationId, accountId }: Staff, role: string) => ({
  organisationId,
  resourceType: 'account',
  resourceId: accountId,
  detail: role,
});

function staffLines(staff: Staff, role: string, password: string): string[] {
  const person = `${staff.name} <${staff.email}> is ${role}.`;
  if (!staff.isNewAccount) return [`${person} They sign in with the password they have.`];
  const code = role === 'administrator' ? ' A code is set up at the first sign-in.' : '';
  return [
    person,
    `Password: ${password}`,
    `It is shown this once. Let them change it under "Your account".${code}`,
  ];
}
