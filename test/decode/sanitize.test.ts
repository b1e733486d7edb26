import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/core/json.js';
import { checkEvents, checkLimits } from '../../src/decode/sanitize.js';
import { refusalOf } from './refusal.js';

const LIMITS = { depth: 4, keys: 3, events: 2 };

/** An object with so many keys. */
function object(keys: number): JsonObject {
  return Object.fromEntries(Array.from({ length: keys }, (_, at) => [`k${at}`, 0]));
}

/** Arrays nested so deep. */
function nested(depth: number): JsonValue {
  return depth === 0 ? 0 : [nested(depth - 1)];
}

describe('checkLimits', () => {
  it.each([
    ['keys', object(3), object(4)],
    ['keys on several levels', { a: [{ b: { c: 1 } }] }, { a: [{ b: { c: { d: 1 } } }] }],
    ['levels', nested(4), nested(5)],
    ['levels of objects', { a: [{ b: [1] }] }, { a: [{ b: [[1]] }] }],
  ])('accepts the limit of %s and not one more', (_what, most, over) => {
    expect(() => checkLimits(most, LIMITS)).not.toThrow();
    expect(refusalOf(() => checkLimits(over, LIMITS))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      status: 400,
    });
  });
});

describe('checkEvents', () => {
  it.each<[string, JsonValue, JsonValue]>([
    ['keys of a single event', object(3), object(4)],
    ['keys of each event of an array', [object(3), object(3)], [object(1), object(4)]],
    ['keys of each event of a batch', { batch: [object(3)] }, { batch: [object(4)] }],
    // The member that wraps an event is no key of it, unless it stands beside others.
    ['keys of a wrapped event', [{ json: object(3) }], [{ json: object(4) }]],
    ['keys of an event with json', [{ json: object(1), a: 1 }], [{ json: object(2), a: 1 }]],
    // The member `batch` is one of them.
    ['keys beside a batch', { ...object(2), batch: [] }, { ...object(3), batch: [] }],
    ['events of an array', [1, 2], [1, 2, 3]],
    ['events of a batch', { batch: [1, 2] }, { batch: [1, 2, 3] }],
    ['levels with an array', [nested(3)], [nested(4)]],
    ['levels with a batch', { batch: [nested(2)] }, { batch: [nested(3)] }],
    ['levels beside a batch', { a: nested(3), batch: [] }, { a: nested(4), batch: [] }],
  ])('accepts the limit of %s and not one more', (_what, most, over) => {
    expect(() => checkEvents(most, LIMITS)).not.toThrow();
    expect(refusalOf(() => checkEvents(over, LIMITS))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      status: 400,
    });
  });
});
