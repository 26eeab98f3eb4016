import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generateWorld } from './world.ts';

const text = readFileSync(new URL('../../docs/demo-world.md', import.meta.url), 'utf8');
const world = generateWorld({ today: '2026-11-22', patients: 0 });

test('the documentation names every account with the password and code that work', () => {
  for (const { name, email, password, totpSecret, roles } of world.staff) {
    const lines = text.split('\n').filter((line) => line.includes(`\`${email}\``));
    assert.equal(lines.length, roles.length);
    for (const line of lines)
      for (const value of [name, password, totpSecret ?? '']) assert.ok(line.includes(value), value);
  }
});

test('the documentation names every organisation and every system that can be found, with its id', () => {
  for (const { name, odsCode, id } of world.organisations) {
    assert.ok(text.includes(`| ${name} | ${odsCode} | \`${id}\` |`), name);
  }
  for (const { name, clientId, company, standing, scopes } of world.systems) {
    assert.ok(text.includes(name));
    if (standing !== 'live') continue;
    const line = text.split('\n').find((one) => one.includes(`| ${name} | ${company} | \`${clientId}\` |`));
    assert.ok(line?.endsWith(`| ${scopes.map((scope) => `\`${scope}\``).join(' ')} |`), name);
  }
});

test('the documentation says how each connection stands', () => {
  const [hospital, practice, community] = world.organisations;
  for (const { clientId, name } of world.systems.slice(0, 6)) {
    const status = [hospital, practice, community].map(
      (organisation) =>
        world.connections.findLast(
          (one) => one.organisationId === organisation!.id && one.clientId === clientId,
        )?.status ?? 'none',
    );
    assert.ok(text.includes(`| ${name} | ${status.join(' | ')} |`), name);
  }
});
