import ipaddr from 'ipaddr.js';

/**
 * Whether an IP address is one of the public internet. A vendor's URL must not lead this service to itself or to its
 * neighbours (server-side request forgery): not loopback, private, shared (CGNAT), link-local with the clouds' metadata
 * services, multicast, reserved, nor any form that carries such an IPv4 address inside an IPv6 one.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text); // an IPv4-mapped address becomes the IPv4 address that would be reached
  if (address.range() !== 'unicast') return false;
  // Only 2000::/3 has been given out as global unicast (RFC 4291 section 2.4); the library calls all the rest unicast.
  return address.kind() === 'ipv4' || (address.toByteArray()[0]! & 0xe0) === 0x20;
}

/** Whether an IP address is this machine's own, which nobody else can be reached by. */
export const isLoopbackAddress = (text: string): boolean =>
  ipaddr.isValid(text) && ipaddr.process(text).range() === 'loopback';
