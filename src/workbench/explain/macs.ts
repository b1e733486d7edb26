import { createHash, createHmac } from 'node:crypto';
import type { Algorithm } from './candidates.js';
import type { Deviation } from './deviation.js';

/** A function that computes a signature from a key and a message. */
export interface Mac {
  readonly deviations: readonly Deviation[];
  readonly make: (algorithm: Algorithm, key: Buffer, message: Buffer) => Buffer;
}

/** HMAC first, then what is often confused with it. */
export const MACS: readonly Mac[] = [
  {
    deviations: [],
    make: (algorithm, key, message) => createHmac(algorithm, key).update(message).digest(),
  },
  other('the HMAC uses the body as key and the secret as message', (algorithm, key, message) =>
    createHmac(algorithm, message).update(key).digest(),
  ),
  other('it is a plain hash of secret and body, not an HMAC', (algorithm, key, message) =>
    createHash(algorithm).update(key).update(message).digest(),
  ),
  other('it is a plain hash of body and secret, not an HMAC', (algorithm, key, message) =>
    createHash(algorithm).update(message).update(key).digest(),
  ),
  other('it is a plain hash of secret, colon and body, not an HMAC', (algorithm, key, message) =>
    createHash(algorithm).update(key).update(':').update(message).digest(),
  ),
  other('it is a plain hash of the body alone, without the secret', (algorithm, _, message) =>
    createHash(algorithm).update(message).digest(),
  ),
  other('it is a plain hash of the secret alone, without the body', (algorithm, key) =>
    createHash(algorithm).update(key).digest(),
  ),
  other('it is the HMAC of an HMAC of the body', (algorithm, key, message) => {
    const once = createHmac(algorithm, key).update(message).digest('hex');
    return createHmac(algorithm, key).update(once).digest();
  }),
];

function other(what: string, make: Mac['make']): Mac {
  const fix =
    "Have the sender compute HMAC(key = secret, message = body): openssl dgst -sha1 -hmac, or createHmac('sha1', secret).update(body).";
  return { deviations: [{ id: 'not-hmac', what, fix }], make };
}
