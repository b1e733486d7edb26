import { createHash, createHmac } from 'node:crypto';
import { TrackbridgeError } from '../errors.js';

export interface SignOptions {
  readonly scheme: 'segment-signature' | 'standard-webhooks';
  readonly secret: string;
}

interface Signable {
  /** Names the delivery: the same at every attempt. */
  readonly id: string;
  readonly body: string;
  /** JSON text of the first element where the body is an array. */
  readonly firstElement?: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

// Plain words only: spaces, commas and quotes mean something to those who parse header lists.
const HEADER_SAFE = /^[\w.:~@/+=-]{1,255}$/;

/** The headers that sign a request. */
export type Sign = (request: Signable) => Readonly<Record<string, string>>;

/**
 * A signer for the configured scheme. Throws CONFIG_INVALID for a `whsec_` secret that is not base64.
 *
 * `segment-signature`: `x-signature` as Segment's webhook destinations send it, hex HMAC-SHA1 over the body; of an array
 * Segment signs only element 0. `standard-webhooks`: standardwebhooks.com, HMAC-SHA256 over `id.timestamp.body`.
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
    // Dots separate the parts of what is signed, so the id may hold none.
    const id = delivery.includes('.') ? hash(delivery) : delivery;
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
 * Names a delivery for receivers that deduplicate: the messageId of a single event where a header can carry it, and its
 * SHA-256 where it cannot; for several events a SHA-256 over their ids, so that only the same batch has the same name.
 */
export function deliveryId(messageIds: readonly string[]): string {
  const [only] = messageIds;
  if (messageIds.length === 1 && only !== undefined && HEADER_SAFE.test(only)) return only;
  return hash(JSON.stringify(messageIds));
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
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
