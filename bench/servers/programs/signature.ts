import { createHmac, timingSafeEqual } from 'node:crypto';
import { SECRET } from '../../secret.js';

/** Whether a header is Segment's signature of these bytes. */
export function isSigned(bytes: Buffer | string, header: unknown): boolean {
  const expected = createHmac('sha1', SECRET).update(bytes).digest();
  const given = Buffer.from(String(header), 'hex');
  return given.length === expected.length && timingSafeEqual(expected, given);
}
