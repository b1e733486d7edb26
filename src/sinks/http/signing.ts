import { createHmac } from 'node:crypto';
import type { SinkOptions } from '../../config/config.js';
import { TrackbridgeError } from '../../core/errors.js';
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

// Plain characters only: spaces, commas and quotes have a meaning in header lists.
const HEADER_SAFE = /^[\w.:~@/+=-]{1,255}$/;

/** Returns the headers that sign a request. */
export type Sign = (request: Signable) => Readonly<Record<string, string>>;

/**
 * Creates a signer for the configured scheme. Throws CONFIG_INVALID for a `whsec_` secret that is not base64.
 *
 * `segment-signature`: `x-signature` as Segment's webhook destinations send it, hex HMAC-SHA1 over the body; of an
 * array Segment signs only element 0. `standard-webhooks`: standardwebhooks.com, HMAC-SHA256 over `id.timestamp.body`.
 */
export function createSigner(options: SignOptions): Sign {
  if (options.scheme === 'segment-signature') {
    return ({ body, firstElement }) => ({
      'x-signature': createHmac('sha1', options.secret)
        .update(firstElement ?? body)
        .digest('hex'),
    });
  }
  const key = standardKey(options.secret);
  return ({ id: delivery, body, now }) => {
    // Dots separate the parts of the signed text, so the id must not contain any.
    const id = idText(delivery, (text) => !text.includes('.'));
    const timestamp = String(Math.floor(now / 1000));
    const signature = createHmac('sha256', key)
      .update(`${id}.${timestamp}.${body}`)
      .digest('base64');
    return {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    };
  };
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

function standardKey(secret: string): Buffer {
  const prefix = 'whsec_';
  if (!secret.startsWith(prefix)) return Buffer.from(secret);
  const encoded = secret.slice(prefix.length);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) {
    throw new TrackbridgeError('CONFIG_INVALID', 'sign.secret: what follows whsec_ must be base64');
  }
  return Buffer.from(encoded, 'base64');
}
