import { MOST_CANDIDATES } from '../candidates.js';
import { jsonStart, lastMember, OPEN_OBJECT, skipSpace, stringAt } from '../json-scan.js';

const NAME = 'writeKey=';
const NEXT = '&writeKey=';
const AMPERSAND = 0x26;

/** No write key is longer, even with each byte percent-encoded. */
const LONGEST_VALUE = 4_096;

/**
 * Returns the non-empty values of `writeKey` in a query or a form, in order, at most MOST_CANDIDATES. It searches for
 * the name as every sender spells it and decodes nothing else, so an 8 MB form costs no more than a search.
 */
export function writeKeysInForm(form: Buffer | string): Buffer[] {
  if (!form.includes(NAME)) return [];
  const bytes = typeof form === 'string' ? Buffer.from(form, 'utf8') : form;
  const found: Buffer[] = [];
  let start = bytes.indexOf(NAME) === 0 ? NAME.length : after(bytes, 0);
  for (let seen = 0; start >= 0 && seen < MOST_CANDIDATES; seen++) {
    const ampersand = bytes.indexOf(AMPERSAND, start);
    const end = ampersand < 0 ? bytes.length : ampersand;
    const value = end - start > LONGEST_VALUE ? '' : decoded(bytes, start, end);
    if (value !== '') found.push(Buffer.from(value, 'utf8'));
    start = ampersand < 0 ? -1 : after(bytes, ampersand);
  }
  return found;
}

/** The offset of the next value, or -1. */
function after(bytes: Buffer, from: number): number {
  const at = bytes.indexOf(NEXT, from);
  return at < 0 ? -1 : at + NEXT.length;
}

function decoded(bytes: Buffer, start: number, end: number): string {
  const pair = NAME + bytes.toString('utf8', start, end);
  return new URLSearchParams(pair).get('writeKey') ?? '';
}

/**
 * Returns the top-level `writeKey` of a body that is a JSON object, or undefined. It does not parse the body. If the
 * member is repeated the last one counts, as in the decoder that reads the body next.
 */
export function writeKeyInJson(body: Buffer): Buffer | undefined {
  const start = jsonStart(body);
  if (body[start] !== OPEN_OBJECT) return undefined;
  if (!body.includes('writeKey') && !body.includes('\\u')) return undefined;
  const found = lastMember(body, start, 'writeKey');
  if (found === undefined || found.end - found.start > LONGEST_VALUE) return undefined;
  if (skipSpace(body, found.after) < body.length) return undefined;
  const value = stringAt(body, found.start, found.end);
  return value === undefined || value === '' ? undefined : Buffer.from(value, 'utf8');
}
