import { KINDS } from '../oauth/kinds-of-record.ts';
import { inPlainWords } from '../oauth/scope-words.ts';
import { OPERATIONS } from '../oauth/scopes.ts';

/**
 * docs/guides/permissions.md, made of the very words that the pages show, so that it cannot say anything else.
 * `node scripts/write-permissions-guide.ts` writes it; a test compares.
 */
export function permissionsGuide(): string {
  const kinds = Object.keys(KINDS).sort((a, b) => KINDS[a]!.many.localeCompare(KINDS[b]!.many, 'en'));
  return `# What each permission means

Before you grant access, and on each connection’s page, every permission is said in plain words, with its technical name
(the scope) beneath it. For example:

${quoted('system/Observation.rs')}

${quoted('system/DocumentReference.cruds')}

${quoted('system/DocumentReference.$read-receipt-query')}

## How to read a permission

A permission to look at or change records names a kind of record and what may be done with it.

| letter | word | what it lets the system do |
| --- | --- | --- |
| \`r\` | read | open an entry whose address it knows |
| \`s\` | search | find entries, by patient or by date for instance |
| \`c\` | add | write new entries |
| \`u\` | change | correct entries that your organisation wrote |
| \`d\` | delete | delete entries that your organisation wrote |

- A permission is never more than the connection: it reaches only patients who are registered with your organisation (or
  with the teams you chose), and only the privacy labels you ticked.
- Nobody changes or deletes what another organisation wrote, whatever the permission.
- \`system/*\` stands for every kind of record: “${inPlainWords('system/*.rs').title}”. It never includes the special permissions
  below.

## Kinds of record

| the pages say | what that is | FHIR name |
| --- | --- | --- |
${kinds.map((type) => `| ${KINDS[type]!.many} | ${KINDS[type]!.detail} | \`${type}\` |`).join('\n')}

Kinds that are not in this list are called by their FHIR name.

## Special permissions

Each lets the system do one thing and nothing else. No other permission includes them.

| permission | what it covers | scope |
| --- | --- | --- |
${OPERATIONS.map((operation) => operationRow(`system/${operation}`)).join('\n')}

## Give less than it asks for

On the review page you can untick permissions, kinds of information and teams that the system does not need:
[how to give a system access](give-access.md#give-less-than-it-asks-for). The company’s software is told what it was given.
`;
}

function quoted(scope: string): string {
  const { title, detail } = inPlainWords(scope);
  return `> **${title}**\\\n> ${detail}\\\n> \`${scope}\``;
}

function operationRow(scope: string): string {
  const { title, detail } = inPlainWords(scope);
  return `| ${title} | ${detail} | \`${scope}\` |`;
}
