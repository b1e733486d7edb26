import type { JsonObject } from '../core/json.js';

const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE = Buffer.from('}');

/**
 * The ends of an object's JSON text, one for each of `extras`: the extras as `JSON.stringify` writes them, without the
 * opening brace. Empty extras are skipped because they add nothing.
 */
export function extrasTails(extras: readonly JsonObject[]): readonly Buffer[] {
  return extras
    .filter((each) => Object.keys(each).length > 0)
    .map((each) => Buffer.from(JSON.stringify(each).slice(1)));
}

/**
 * Returns an object's JSON text without the merged extras, once for each tail the text ends with.
 *
 * Segment's Webhook Audiences (segmentio/action-destinations, webhook-audiences) signs an event and then merges the
 * audience's `extras` into it, so the extras become the last members. If the event already had such a member, the merge
 * overwrites its value in place, and the signed text cannot be restored.
 */
export function withoutExtras(object: Buffer, tails: readonly Buffer[]): Buffer[] {
  if (object[0] !== OPEN_OBJECT) return [];
  return tails.flatMap((tail) => {
    const start = object.length - tail.length;
    if (start < 1 || !object.subarray(start).equals(tail)) return [];
    const before = object[start - 1];
    if (before === COMMA) return [Buffer.concat([object.subarray(0, start - 1), CLOSE])];
    return start === 1 ? [Buffer.from('{}')] : [];
  });
}
