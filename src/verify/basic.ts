import type { VerifyConfig } from '../config/config.js';
import { basicCredentials } from './authorization.js';
import { secretMatcher } from './compare.js';
import type { Verifier } from './verifier.js';

type BasicConfig = Extract<VerifyConfig, { scheme: 'basic' }>;

/**
 * Scheme `basic`: authenticates the whole delivery if any `Authorization: Basic` line carries a listed `user:password`.
 */
export function basic(config: BasicConfig): Verifier {
  // A lone colon is an empty user with an empty password. Unset environment variables leave it behind; it is not a
  // credential.
  const matches = secretMatcher(
    config.secrets.filter((user) => user !== ':' && user.includes(':')),
  );
  return {
    scheme: config.scheme,
    headOnly: true,
    verify({ headers }) {
      const sent = basicCredentials(headers);
      if (sent.some(matches)) return { passed: true, covers: 'all' };
      const reason =
        sent.length === 0
          ? 'no valid Authorization: Basic header'
          : 'the user and password of Authorization: Basic are not listed';
      return { passed: false, reason };
    },
  };
}
