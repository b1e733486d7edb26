import type { VerifyConfig } from '../config/config.js';
import { MOST_CANDIDATES } from './candidates.js';
import { headerBytes, secretMatcher } from './compare.js';
import type { Verifier } from './verifier.js';

type SharedSecretConfig = Extract<VerifyConfig, { scheme: 'shared-secret' }>;

/**
 * Scheme `shared-secret`: authenticates the whole delivery if any line of the header equals a secret. RudderStack signs
 * nothing. It can only send a static header, and may send it twice (a configured and a dynamic header).
 */
export function sharedSecret(config: SharedSecretConfig): Verifier {
  const header = config.header.toLowerCase();
  const matches = secretMatcher(config.secrets);
  return {
    scheme: config.scheme,
    headOnly: true,
    verify({ headers }) {
      const lines = headers.all(header).slice(0, MOST_CANDIDATES);
      if (lines.some((line) => matches(headerBytes(line)))) return { passed: true, covers: 'all' };
      const reason = lines.length === 0 ? `no ${header} header` : `${header} is not a known secret`;
      return { passed: false, reason };
    },
  };
}
