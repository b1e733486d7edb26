import { createHmac } from 'node:crypto';
import type { VerifyConfig } from '../config/config.js';
import { firstElement } from '../verify/first-element.js';
import type { HeaderLine } from './record.js';

/**
 * The headers with signatures that this source takes for the new body, made with the first of its own secrets. What does not
 * sign the body stays as it came.
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

/** As Segment does: of a batch its first element alone, or what that wraps. */
function signedPart(body: Buffer, batch: 'first-element' | 'whole-body'): Buffer {
  const first = batch === 'first-element' ? firstElement(body) : undefined;
  return first?.json ?? first?.element ?? body;
}

function mac(algorithm: string, secret: string, bytes: Buffer): Buffer {
  return createHmac(algorithm, secret).update(bytes).digest();
}
