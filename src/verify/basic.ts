import type { VerifyConfig } from '../config/config.js';
import { basicCredentials } from './authorization.js';
import { secretMatcher } from './compare.js';
import type { Verifier } from './verifier.js';

type BasicConfig = Extract<VerifyConfig, { scheme: 'basic' }>;

/** Scheme `basic`: holds for all of a delivery where any `Authorization: Basic` line carries a listed `user:password`. */
export function basic(config: BasicConfig): Verifier {
  // A lone colon is an empty user with an empty password: what unset variables leave behind, not a credential.
  const matches = secretMatcher(
    config.secrets.filter((user) => user !== ':' && user.includes(':')),
  );
  return {
    scheme: config.scheme,
    verify({ headers }) {
      const sent = basicCredentials(headers);
      if (sent.some(matches)) return { holds: true, covers: 'all' };
      const reason =
        sent.length === 0
          ? 'no readable Authorization: Basic header'
          : 'the user and password of Authorization: Basic are not listed';
      return { holds: false, reason };
    },
  };
}
