import type { VerifyConfig } from '../../config/config.js';
import { headerBytes, secretFinder } from '../../verify/compare.js';
import { headerLines } from '../../verify/header-lines.js';
import { segmentSignature } from '../../verify/segment-signature.js';
import { hmacKeys, isSigned, readSignatures } from '../../verify/signature.js';
import { explainSignature } from '../explain/explain.js';
import type { SignedPart } from './record.js';
import type { Recording } from './recording.js';

/**
 * Returns what a source's first signing scheme covered, computed again for an authenticated delivery; undefined if none
 * was valid, or nothing is signed.
 */
export function signedPartOf(
  { body = Buffer.alloc(0), start, verification }: Recording,
  schemes: readonly VerifyConfig[],
): SignedPart | undefined {
  if (verification?.passed !== true || verification.verifiedBy === 'none') return undefined;
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
  // A tracking API's write keys are not among its schemes.
  return { part: 'header' };
}

/** Returns the bytes that one signature of a batch rule covers; invalid ones are not examined. */
function coveredBy(
  signature: string,
  config: Extract<VerifyConfig, { scheme: 'segment-signature' }>,
  body: Buffer,
): SignedPart | undefined {
  const headers = headerLines([config.header, signature]);
  const signed = { method: 'POST', query: '', headers, body };
  const verdict = segmentSignature(config).verify(signed, AbortSignal.abort());
  if (verdict instanceof Promise || !verdict.passed) return undefined;
  const secrets = config.secrets.filter((secret) => secret !== '');
  const explained = explainSignature({ secrets, signature, body, batch: config.batch });
  return explained.valid ? { ...explained.over, secret: explained.secret } : undefined;
}
