import { randomInt } from 'node:crypto';

/** 24 characters of 32, 120 bits, in groups that can be read out; none that look like another. */
export function newPassword(): string {
  const group = () => Array.from({ length: 6 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  return [group(), group(), group(), group()].join('-');
}

const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';
