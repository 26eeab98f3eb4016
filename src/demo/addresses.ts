import type { Address } from '@medplum/fhirtypes';
import type { Random } from './random.ts';

/** An address in a town that does not exist; no postcode area is called ZX, so no letter can be delivered. */
export function makeAddress(random: Random): Address {
  const [city, district] = random.weighted(PLACES);
  const street = `${random.pick(TREES)} ${random.pick(WAYS)}`;
  const inward = `${random.integer(1, 9)}${random.pick([...LETTERS])}${random.pick([...LETTERS])}`;
  return {
    use: 'home',
    line: [`${random.integer(1, 148)} ${street}`],
    city,
    district: 'Riverbourneshire',
    postalCode: `ZX${district} ${inward}`,
    country: 'GBR',
  };
}

const PLACES: readonly (readonly [readonly [city: string, district: number], number])[] = [
  [['Riverbourne', 1], 6],
  [['Ashgrove', 4], 3],
  [['Fenmoor', 7], 2],
  [['Little Tansley', 9], 1],
];
const TREES = [
  'Alder',
  'Bramble',
  'Chestnut',
  'Clover',
  'Foxglove',
  'Hawthorn',
  'Juniper',
  'Larkspur',
  'Marigold',
  'Rowan',
];
const WAYS = ['Avenue', 'Close', 'Crescent', 'Gardens', 'Lane', 'Mews', 'Road', 'Street', 'Walk', 'Way'];
/** Those that the second part of a postcode may hold. */
const LETTERS = 'ABDEFGHJLNPQRSTUWXYZ';
