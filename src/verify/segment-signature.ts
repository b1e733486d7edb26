import { isUtf8 } from 'node:buffer';
import type { KeyObject } from 'node:crypto';
import type { VerifyConfig } from '../config/config.js';
import { extrasTails, withoutExtras } from './extras.js';
import { beginsUnambiguously, firstElement, isUnambiguous } from './first-element.js';
import { hmacKeys, isSigned, readSignatures, type SignatureFormat } from './signature.js';
import type { Verifier } from './verifier.js';

type SegmentSignatureConfig = Extract<VerifyConfig, { scheme: 'segment-signature' }>;

/** The bytes of a delivery that a signature covers. */
type SignedPart = 'body' | 'first-element' | 'first-element-json';

/**
 * Scheme `segment-signature`: the header is the hex HMAC-SHA1 of the raw body under a secret. Unless `batch:
 * whole-body` is set, it may also be the HMAC of a batch's first element, because Segment signs nothing else of a batch
 * (actions webhook: element 0 as serialized; extensible webhook: the value of its `json`). Such a signature
 * authenticates that element only. With `extras`, the signed text may also lack one of the extras as its last members;
 * the configuration vouches for the extras.
 */
export function segmentSignature(config: SegmentSignatureConfig): Verifier {
  const format: SignatureFormat = {
    header: config.header.toLowerCase(),
    prefix: '',
    algorithm: 'sha1',
    encoding: 'hex',
  };
  const keys = hmacKeys(config.secrets);
  const tails = extrasTails(config.extras ?? []);
  const candidates =
    config.batch === 'first-element' ? 'the body or its first element' : 'the body';
  return {
    scheme: config.scheme,
    verify(signed) {
      const read = readSignatures(signed, format);
      if ('reason' in read) return { passed: false, reason: read.reason };
      const part = signedPart(signed.body, read.signatures, keys, config.batch, tails);
      if (part !== undefined) return { passed: true, covers: part === 'body' ? 'all' : 'first' };
      const reason = `${format.header} is not the signature of ${candidates} under a known secret`;
      return { passed: false, reason };
    },
  };
}

/** The part of the body that one of the signatures covers under one of the keys, or undefined. */
function signedPart(
  body: Buffer,
  signatures: readonly Buffer[],
  keys: readonly KeyObject[],
  batch: SegmentSignatureConfig['batch'],
  tails: readonly Buffer[],
): SignedPart | undefined {
  const signs = (bytes: Buffer): boolean => isSigned('sha1', keys, bytes, signatures);
  const signsWithoutExtras = (object: Buffer): boolean => withoutExtras(object, tails).some(signs);
  if (signs(body)) return beginsUnambiguously(body) ? 'body' : undefined;
  if (signsWithoutExtras(body)) return isUnambiguous({ element: body }) ? 'body' : undefined;
  // A body that is not UTF-8 may be decoded in the charset of Content-Type, which nobody signs. A forged second element
  // must not trigger that, because it would change the text of the signed first element.
  if (batch === 'whole-body' || !isUtf8(body)) return undefined;
  const found = firstElement(body);
  if (found === undefined) return undefined;
  const part =
    signs(found.element) || signsWithoutExtras(found.element)
      ? 'first-element'
      : found.json !== undefined && signs(found.json)
        ? 'first-element-json'
        : undefined;
  return part !== undefined && isUnambiguous(found) ? part : undefined;
}
