import { isObject, type JsonObject, type JsonValue } from '../core/json.js';
import type { CanonicalEvent, Receipt } from './event.js';

/**
 * The suffix of an unauthenticated event's key. It keeps an unauthenticated event from causing a later authenticated
 * one to be dropped as a duplicate.
 */
const UNAUTHENTICATED = ':unauthenticated';

/**
 * Returns the key that consumers deduplicate by. A messageId is unique only within its scope: the source's
 * `dedupeGroup` or name.
 */
export function dedupeKey(scope: string, messageId: string, authenticated: boolean): string {
  return `${scope}:${messageId}${authenticated ? '' : UNAUTHENTICATED}`;
}

/** Returns the deduplication key of a canonical event. */
export function dedupeKeyOf(event: CanonicalEvent): string {
  return keyedAs(event.receipt, event.messageId, event.messageId);
}

const RECEIPT = ',"receipt":';

/**
 * Returns the deduplication key of a canonical event from its JSON text, of which only the receipt is parsed. Undefined
 * if the receipt is not the last member, as it is in events that were received, or has no key.
 */
export function dedupeKeyIn(json: string): string | undefined {
  const key = receiptIn(json)?.['dedupeKey'];
  return typeof key === 'string' ? key : undefined;
}

/** Returns the receipt of a canonical event from its JSON text; undefined if it is not the last member. */
export function receiptIn(json: string): JsonObject | undefined {
  const at = json.lastIndexOf(RECEIPT);
  if (at === -1) return undefined;
  try {
    // What follows the receipt inside another object, or before other members, is not a JSON value.
    const receipt: JsonValue = JSON.parse(json.slice(at + RECEIPT.length, -1));
    return isObject(receipt) ? receipt : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the keys that an event has with and without authentication. */
export interface EventKeys {
  readonly authenticated: string;
  readonly unauthenticated: string;
}

export function keysOf(event: CanonicalEvent): EventKeys {
  const scope = scopeOf(event.receipt, event.messageId);
  return {
    authenticated: dedupeKey(scope, event.messageId, true),
    unauthenticated: dedupeKey(scope, event.messageId, false),
  };
}

/** Returns the key of an event with the id `now`, in the scope of a receipt whose event had the id `before`. */
export function keyedAs(receipt: Receipt, before: string, now: string): string {
  return dedupeKey(scopeOf(receipt, before), now, receipt.authenticated);
}

function scopeOf({ source, dedupeKey: key, authenticated }: Receipt, messageId: string): string {
  const tail = dedupeKey('', messageId, authenticated);
  // Events stored before receipts had a key are unique within their own source.
  return typeof key === 'string' && key.endsWith(tail) ? key.slice(0, -tail.length) : source;
}
