import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPublicAddress } from './public-address.ts';

test('addresses of the public internet are public', () => {
  for (const address of ['8.8.8.8', '20.26.156.215', '2a00:1450:4009:81f::200e', '2606:4700::6810:84e5']) {
    assert.equal(isPublicAddress(address), true, address);
  }
});

for (const [what, addresses] of Object.entries({
  'this machine': ['127.0.0.1', '127.255.255.254', '0.0.0.0', '::1', '::'],
  'private networks': ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12:3456::1'],
  'shared address space (CGNAT)': ['100.64.0.1', '100.127.255.255'],
  'link-local, with the metadata services of clouds': ['169.254.169.254', 'fe80::1', 'fd00:ec2::254'],
  'multicast and broadcast': ['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1'],
  'reserved and documentation': [
    '240.0.0.1',
    '192.0.2.1',
    '198.51.100.1',
    '203.0.113.1',
    '198.18.0.1',
    '2001:db8::1',
  ],
  'IPv4 inside IPv6': [
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::a00:1',
    '2002:7f00:1::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  ],
  'what was never given out': ['4000::1', 'fec0::1', '5f00::1', '8000::1'],
  'no addresses': ['', 'localhost', '999.1.1.1', '8.8.8.8:443', '[::1]'],
})) {
  test(`${what} are not public`, () => {
    for (const address of addresses) assert.equal(isPublicAddress(address), false, address);
  });
}

test('a public IPv4 address written as IPv6 is what it is', () => {
  assert.equal(isPublicAddress('::ffff:8.8.8.8'), true);
});
