import { createHmac } from 'node:crypto';
import type { VerifyConfig } from '../../config/config.js';
import { firstElement } from '../../verify/first-element.js';
import type { HeaderLine } from './record.js';

/**
 * Returns headers with signatures that this source accepts for the new body, made with its first secret. Headers that
 * do not sign the body are unchanged.
 */
export function signedAgain(
  headers: readonly HeaderLine[],
  body: Buffer,
  schemes: readonly VerifyConfig[],
): HeaderLine[] {
  let signed = [...headers];
  for (const config of schemes) {
    if (config.scheme !== 'segment-signature' && config.scheme !== 'hmac') continue;
    const secret = config.secrets.find((each) => each !== '');
    if (secret === undefined) continue;
    const name = config.header.toLowerCase();
    const value =
      config.scheme === 'hmac'
        ? config.prefix + mac(config.algorithm, secret, body).toString(config.encoding)
        : mac('sha1', secret, signedPart(body, config.batch)).toString('hex');
    signed = [...signed.filter(([each]) => each.toLowerCase() !== name), [config.header, value]];
  }
  return signed;
}

/** Follows Segment: of a batch only its first element, or the content of its wrapper. */
function signedPart(body: Buffer, batch: 'first-element' | 'whole-body'): Buffer {
  const first = batch === 'first-element' ? firstElement(body) : undefined;
  return first?.json ?? first?.element ?? body;
}

function mac(algorithm: string, secret: string, bytes: Buffer): Buffer {
  return createHmac(algorithm, secret).update(bytes).digest();
}
