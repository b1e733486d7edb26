import type { VerifyConfig } from '../config/config.js';
import { headerBytes, secretMatcher } from './compare.js';
import type { Verifier } from './verifier.js';

type SharedSecretConfig = Extract<VerifyConfig, { scheme: 'shared-secret' }>;

/**
 * Scheme `shared-secret`: holds for all of a delivery where any line of the header equals a secret. RudderStack signs
 * nothing; a static header is all it can send, and it may send one twice (a configured and a dynamic header).
 */
export function sharedSecret(config: SharedSecretConfig): Verifier {
  const header = config.header.toLowerCase();
  const matches = secretMatcher(config.secrets);
  return {
    scheme: config.scheme,
    verify({ headers }) {
      const lines = headers.all(header);
      if (lines.some((line) => matches(headerBytes(line)))) return { holds: true, covers: 'all' };
      const reason = lines.length === 0 ? `no ${header} header` : `${header} is not a known secret`;
      return { holds: false, reason };
    },
  };
}
