import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverSettings } from './server-settings.ts';

const GIB = 1024 ** 3;

test('its buffers follow the memory there is, and stay within bounds', () => {
  const buffers = (memory: number) => serverSettings(memory).shared_buffers;
  assert.deepEqual([0.5 * GIB, 4 * GIB, 24 * GIB, 1024 * GIB].map(buffers), [
    '128MB',
    '256MB',
    '1024MB',
    '1024MB',
  ]);
  assert.match(serverSettings().shared_buffers!, /^\d{3,4}MB$/);
});

test('a commit that was answered is on disk, and nobody reaches it by network', () => {
  const { fsync, synchronous_commit, full_page_writes, listen_addresses } = serverSettings();
  assert.deepEqual([fsync, synchronous_commit, full_page_writes, listen_addresses], ['on', 'on', 'on', '']);
});
