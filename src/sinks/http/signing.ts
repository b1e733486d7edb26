import { createHmac } from 'node:crypto';
import type { SinkOptions } from '../../config/config.js';
import { configInvalid } from '../../core/errors.js';
import { idText } from '../kit/id-text.js';

export type SignOptions = NonNullable<SinkOptions['http']['sign']>;

interface Signable {
  /** Identifies the delivery: the same at every attempt. */
  readonly id: string;
  readonly body: string;
  /** JSON text of the first element if the body is an array. */
  readonly firstElement?: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const PREFIX = 'whsec_';

// Plain characters only: spaces, commas and quotes have a meaning in header lists.
const HEADER_SAFE = /^[\w.:~@/+=-]{1,255}$/;

/** Returns the headers that sign a request. */
export type Sign = (request: Signable) => Readonly<Record<string, string>>;

/**
 * Creates a signer for the configured scheme. Throws CONFIG_INVALID for a secret that is missing or not base64.
 *
 * `segment-signature`: `x-signature` as Segment's webhook destinations send it, hex HMAC-SHA1 over the body; of an
 * array Segment signs only element 0. `standard-webhooks`: standardwebhooks.com, HMAC-SHA256 over `id.timestamp.body`,
 * one signature for each secret.
 */
export function createSigner(options: SignOptions): Sign {
  const secrets = secretsToSign(options);
  const [secret] = secrets;
  if (secret === undefined) throw configInvalid('sign: set secret or secrets, not both');
  if (options.scheme === 'segment-signature') {
    return ({ body, firstElement }) => ({
      'x-signature': createHmac('sha1', secret)
        .update(firstElement ?? body)
        .digest('hex'),
    });
  }
  const keys = secrets.map((each) => standardKey(each, options.format));
  return ({ id: delivery, body, now }) => {
    // Dots separate the parts of the signed text, so the id must not contain any.
    const id = idText(delivery, (text) => !text.includes('.'));
    const timestamp = String(Math.floor(now / 1000));
    const signatures = keys.map((key) =>
      createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64'),
    );
    return {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatures.map((signature) => `v1,${signature}`).join(' '),
    };
  };
}

/** Returns the secrets to sign with, the new one first; none if both options are set, or neither. */
export function secretsToSign({ secret, secrets }: SignOptions): readonly string[] {
  if (secret !== undefined && secrets !== undefined) return [];
  return secrets ?? (secret === undefined ? [] : [secret]);
}

/**
 * Returns an id by which receivers can deduplicate a delivery: the deduplication key of a single event, or its SHA-256
 * if a header cannot carry it. For several events it is a SHA-256 over their keys, so that only the same batch has the
 * same id.
 */
export function deliveryId(dedupeKeys: readonly string[]): string {
  const [only = ''] = dedupeKeys;
  if (dedupeKeys.length === 1) return idText(only, (key) => HEADER_SAFE.test(key));
  return idText(JSON.stringify(dedupeKeys), () => false);
}

/** Reads a secret as the official libraries do: base64, with or without `whsec_` before it. */
function standardKey(secret: string, format: SignOptions['format']): Buffer {
  const isMarked = secret.startsWith(PREFIX);
  if (!isMarked && format === 'raw') return Buffer.from(secret);
  const encoded = isMarked ? secret.slice(PREFIX.length) : secret;
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return Buffer.from(encoded, 'base64');
  throw configInvalid(
    isMarked
      ? 'sign: what follows whsec_ must be base64'
      : 'sign: a secret without whsec_ must be base64; set format: raw if its text is the key',
  );
}
