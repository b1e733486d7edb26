import { isUtf8 } from 'node:buffer';
import type { KeyObject } from 'node:crypto';
import type { VerifyConfig } from '../config/config.js';
import { firstElement, repeatsMember } from './first-element.js';
import { hmacKeys, isSigned, readSignatures, type SignatureFormat } from './signature.js';
import type { Verifier } from './verifier.js';

type SegmentSignatureConfig = Extract<VerifyConfig, { scheme: 'segment-signature' }>;

/** Which bytes of a delivery a signature is over. */
type SignedPart = 'body' | 'first-element' | 'first-element-json';

/**
 * Scheme `segment-signature`: the header is the hex HMAC-SHA1, under a secret, of the raw body; or, unless
 * `batch: whole-body`, of the first element of a batch, which is all that Segment signs there (actions webhook: element 0
 * as it was serialised; extensible webhook: what is in its `json`). The latter vouches for that element alone.
 */
export function segmentSignature(config: SegmentSignatureConfig): Verifier {
  const format: SignatureFormat = {
    header: config.header.toLowerCase(),
    prefix: '',
    algorithm: 'sha1',
    encoding: 'hex',
  };
  const keys = hmacKeys(config.secrets);
  const candidates =
    config.batch === 'first-element' ? 'the body or its first element' : 'the body';
  return {
    scheme: config.scheme,
    verify(signed) {
      const read = readSignatures(signed, format);
      if ('reason' in read) return { holds: false, reason: read.reason };
      const part = signedPart(signed.body, read.signatures, keys, config.batch);
      if (part !== undefined) return { holds: true, covers: part === 'body' ? 'all' : 'first' };
      const reason = `${format.header} is not the signature of ${candidates} under a known secret`;
      return { holds: false, reason };
    },
  };
}

/** The part of the body that one of the signatures is over, under one of the keys; undefined where there is none. */
function signedPart(
  body: Buffer,
  signatures: readonly Buffer[],
  keys: readonly KeyObject[],
  batch: SegmentSignatureConfig['batch'],
): SignedPart | undefined {
  const signs = (bytes: Buffer): boolean => isSigned('sha1', keys, bytes, signatures);
  if (signs(body)) return repeatsMember(body) ? undefined : 'body';
  // Bytes that are not UTF-8 may be read in the charset of Content-Type, which nobody signs. A forged second element must
  // not bring that about: the signed first one would then say something else.
  if (batch === 'whole-body' || !isUtf8(body)) return undefined;
  const found = firstElement(body);
  if (found === undefined) return undefined;
  if (signs(found.element)) return 'first-element';
  return found.json !== undefined && signs(found.json) ? 'first-element-json' : undefined;
}
