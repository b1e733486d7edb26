import type { VerifyConfig } from '../config/config.js';
import { explainSignature } from '../explain/explain.js';
import { headerBytes, secretFinder } from '../verify/compare.js';
import { headerLines } from '../verify/header-lines.js';
import { segmentSignature } from '../verify/segment-signature.js';
import { hmacKeys, isSigned, readSignatures } from '../verify/signature.js';
import type { SignedPart } from './record.js';
import type { Tape } from './tape.js';

/**
 * What the first of a source's schemes that signs anything was found to cover, worked out anew for a delivery that verified;
 * undefined where none did, or nothing is signed.
 */
export function signedPartOf(
  { body = Buffer.alloc(0), start, verification }: Tape,
  schemes: readonly VerifyConfig[],
): SignedPart | undefined {
  if (verification?.holds !== true || verification.verifiedBy === 'none') return undefined;
  const headers = headerLines(start.rawHeaders);
  for (const config of schemes) {
    switch (config.scheme) {
      case 'segment-signature': {
        for (const signature of headers.all(config.header.toLowerCase())) {
          const part = coveredBy(signature, config, body);
          if (part !== undefined) return part;
        }
        break;
      }
      case 'hmac': {
        const format = { ...config, header: config.header.toLowerCase() };
        const read = readSignatures({ method: start.method, query: '', headers, body }, format);
        if (!('signatures' in read)) break;
        const secret = config.secrets.findIndex((each) =>
          isSigned(config.algorithm, hmacKeys([each]), body, read.signatures),
        );
        return { part: 'body', from: 0, to: body.length, secret: secret + 1 };
      }
      case 'shared-secret': {
        const find = secretFinder(config.secrets);
        for (const line of headers.all(config.header.toLowerCase())) {
          const index = find(headerBytes(line));
          if (index !== undefined) return { part: 'header', secret: index + 1 };
        }
        break;
      }
      case 'basic':
      case 'write-key':
        return { part: 'header' };
      case 'jwt':
        return { part: 'token' };
      case 'none':
        break;
    }
  }
  // Write keys of a tracking API are none of its schemes.
  return { part: 'header' };
}

/** The bytes that one signature of a batch rule covers; what does not hold is not looked into. */
function coveredBy(
  signature: string,
  config: Extract<VerifyConfig, { scheme: 'segment-signature' }>,
  body: Buffer,
): SignedPart | undefined {
  const headers = headerLines([config.header, signature]);
  const signed = { method: 'POST', query: '', headers, body };
  const verdict = segmentSignature(config).verify(signed, AbortSignal.abort());
  if (verdict instanceof Promise || !verdict.holds) return undefined;
  const secrets = config.secrets.filter((secret) => secret !== '');
  const explained = explainSignature({ secrets, signature, body, batch: config.batch });
  return explained.holds ? { ...explained.over, secret: explained.secret } : undefined;
}
