import type { VerifyConfig } from '../config/config.js';
import { basicCredentials, userNameOf } from './authorization.js';
import { secretMatcher } from './compare.js';
import {
  jsonStart,
  OPEN_ARRAY,
  OPEN_OBJECT,
  objectMembers,
  skipSpace,
  stringAt,
} from './json-scan.js';
import type { HeaderLines, Signed, Verifier } from './verifier.js';

type WriteKeyConfig = Extract<VerifyConfig, { scheme: 'write-key' }>;

/**
 * Scheme `write-key`: holds for all of a delivery that carries a listed write key, as the user name of
 * `Authorization: Basic` (the password is ignored), as `?writeKey=`, or as the top-level `writeKey` of a JSON or form
 * body. SDKs differ on which of them they send, and some send two.
 */
export function writeKey(config: WriteKeyConfig): Verifier {
  const matches = secretMatcher(config.secrets);
  return {
    scheme: config.scheme,
    verify(signed) {
      let sent = 0;
      // Cheapest first: the body is looked at only where no other place holds the key.
      for (const place of PLACES) {
        const keys = place(signed);
        if (keys.some(matches)) return { holds: true, covers: 'all' };
        sent += keys.length;
      }
      const reason =
        sent === 0
          ? 'no write key in Authorization: Basic, the query or the body'
          : 'the write key is not listed';
      return { holds: false, reason };
    },
  };
}

const PLACES: readonly ((signed: Signed) => Buffer[])[] = [
  ({ headers }) => basicCredentials(headers).map(userNameOf),
  ({ query }) => fromForm(query),
  ({ headers, body }) => fromBody(headers, body),
];

function fromBody(headers: HeaderLines, body: Buffer): Buffer[] {
  const start = jsonStart(body);
  if (body[start] === OPEN_OBJECT) return fromJson(body, start);
  // The body decides, not the label: an array is JSON, whatever its content type says, and has no top-level member.
  if (body[start] === OPEN_ARRAY || !isForm(headers)) return [];
  return fromForm(body.toString('utf8'));
}

function fromJson(body: Buffer, start: number): Buffer[] {
  if (!body.includes('writeKey') && !body.includes('\\u')) return [];
  const object = objectMembers(body, start);
  if (object === undefined || skipSpace(body, object.end) < body.length) return [];
  // Of a member given twice the last one counts, as for the decoder that reads the body next.
  const member = object.members.findLast(({ key }) => key === 'writeKey');
  const value = member === undefined ? undefined : stringAt(body, member.start, member.end);
  return value === undefined ? [] : [Buffer.from(value, 'utf8')];
}

function fromForm(text: string): Buffer[] {
  if (!text.includes('writeKey')) return [];
  return new URLSearchParams(text).getAll('writeKey').map((value) => Buffer.from(value, 'utf8'));
}

function isForm(headers: HeaderLines): boolean {
  return headers
    .all('content-type')
    .some((type) => type.toLowerCase().startsWith('application/x-www-form-urlencoded'));
}
