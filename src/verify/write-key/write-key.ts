import type { VerifyConfig } from '../../config/config.js';
import { basicCredentials, userNameOf } from '../authorization.js';
import { secretMatcher } from '../compare.js';
import { jsonStart, OPEN_ARRAY, OPEN_OBJECT } from '../json-scan.js';
import type { Signed, Verifier } from '../verifier.js';
import { writeKeyInJson, writeKeysInForm } from './scan.js';

type WriteKeyConfig = Extract<VerifyConfig, { scheme: 'write-key' }>;

/**
 * Scheme `write-key`: authenticates the whole delivery if it carries a listed write key: as the user name of
 * `Authorization: Basic` (the password is ignored), as `?writeKey=`, or as the top-level `writeKey` of a JSON or form
 * body. SDKs differ in where they send the key, and some send it in two places.
 */
export function writeKey(config: WriteKeyConfig): Verifier {
  const matches = secretMatcher(config.secrets);
  return {
    scheme: config.scheme,
    verify(signed) {
      let sent = 0;
      // The cheapest place comes first: the body is scanned only if no other place holds a listed key.
      for (const place of PLACES) {
        const keys = place(signed);
        if (keys.some(matches)) return { passed: true, covers: 'all' };
        sent += keys.length;
      }
      const reason =
        sent === 0
          ? 'no write key in Authorization: Basic, the query or the body'
          : 'the write key is not listed';
      return { passed: false, reason };
    },
  };
}

const PLACES: readonly ((signed: Signed) => Buffer[])[] = [
  ({ headers }) => basicCredentials(headers).map(userNameOf),
  ({ query }) => writeKeysInForm(query),
  ({ body }) => fromBody(body),
];

function fromBody(body: Buffer): Buffer[] {
  const start = jsonStart(body);
  const first = body[start];
  if (first === OPEN_OBJECT) {
    const key = writeKeyInJson(body);
    return key === undefined ? [] : [key];
  }
  // The body decides, not its content type: an array is JSON whatever the type says, and has no top-level member. All
  // else is searched as a form, since RudderStack sends forms with JSON's label; the search is linear and bounded.
  return first === OPEN_ARRAY ? [] : writeKeysInForm(body.subarray(start));
}
