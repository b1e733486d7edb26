import type { VerifyConfig } from '../config/config.js';
import type { Clock } from '../core/clock.js';
import { basic } from './basic.js';
import { hmac } from './hmac.js';
import { jwt } from './jwt/jwt.js';
import { none } from './none.js';
import { segmentSignature } from './segment-signature.js';
import { sharedSecret } from './shared-secret.js';
import type { Verifier } from './verifier.js';
import { writeKey } from './write-key/write-key.js';

/**
 * Builds the verifier of one configured scheme. To add a scheme, add one file and one line here. Throws CONFIG_INVALID
 * if `jwt` cannot work as configured. `clock` decides when tokens expire and when keys are refetched.
 */
export function createVerifier(config: VerifyConfig, clock: Clock): Verifier {
  switch (config.scheme) {
    case 'segment-signature':
      return segmentSignature(config);
    case 'shared-secret':
      return sharedSecret(config);
    case 'hmac':
      return hmac(config);
    case 'basic':
      return basic(config);
    case 'write-key':
      return writeKey(config);
    case 'jwt':
      return jwt(config, clock);
    case 'none':
      return none();
  }
}
