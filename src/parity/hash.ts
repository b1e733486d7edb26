import { createHash } from 'node:crypto';

/**
 * Returns 48 bits of the SHA-1 of a text: a number that SQLite stores as an integer and JavaScript holds exactly. Among a
 * million open entries two of different text meet with a probability of one in five hundred, and a pair then still needs
 * call times within the window.
 */
export function hashOf(text: string): number {
  return createHash('sha1').update(text).digest().readUIntBE(0, 6);
}
