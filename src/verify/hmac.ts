import type { VerifyConfig } from '../config/config.js';
import { hmacKeys, isSigned, readSignatures } from './signature.js';
import type { Verifier } from './verifier.js';

type HmacConfig = Extract<VerifyConfig, { scheme: 'hmac' }>;

/** Scheme `hmac`: authenticates the whole delivery if any line of the header is the HMAC of the raw body. */
export function hmac(config: HmacConfig): Verifier {
  const format = { ...config, header: config.header.toLowerCase() };
  const keys = hmacKeys(config.secrets);
  return {
    scheme: config.scheme,
    verify(signed) {
      const read = readSignatures(signed, format);
      if ('reason' in read) return { passed: false, reason: read.reason };
      if (isSigned(format.algorithm, keys, signed.body, read.signatures)) {
        return { passed: true, covers: 'all' };
      }
      const reason = `${format.header} is not the signature of the body under a known secret`;
      return { passed: false, reason };
    },
  };
}
