import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/core/json.js';
import { createEventValidator } from '../../src/event/validate.js';

const validate = createEventValidator();

const EVENT: JsonObject = {
  type: 'track',
  messageId: 'm',
  context: {},
  integrations: {},
  timestamp: '2026-01-02T03:04:05.000Z',
  receivedAt: '2026-01-02T03:04:05.000Z',
  receipt: {
    deliveryId: 'd',
    source: 'segment',
    vendor: 'segment',
    method: 'POST',
    receivedAt: '2026-01-02T03:04:05.000Z',
    authenticated: true,
    verifiedBy: 'none',
    dedupeKey: 'segment:m',
  },
};

describe('createEventValidator', () => {
  it('finds nothing wrong with a canonical event', () => {
    expect(validate(EVENT)).toEqual([]);
  });

  it.each<[string, JsonValue, string]>([
    ['userId', true, 'must be a string'],
    ['event', 5, 'must be a string'],
    ['properties', [], 'must be an object'],
    ['properties', 'a=1', 'must be an object'],
    ['context', 'web', 'must be an object'],
    ['integrations', true, 'must be an object'],
    ['messageId', 'x'.repeat(513), 'must NOT have more than 512 characters'],
  ])('says what is wrong with %s as %j', (field, value, message) => {
    expect(validate({ ...EVENT, [field]: value })).toEqual([{ path: `/${field}`, message }]);
  });

  it('names all that is wrong at once, each place once', () => {
    expect(validate({ ...EVENT, event: 5, properties: [], userId: false })).toEqual(
      expect.arrayContaining([
        { path: '/userId', message: 'must be a string' },
        { path: '/event', message: 'must be a string' },
        { path: '/properties', message: 'must be an object' },
      ]),
    );
    expect(validate({ ...EVENT, event: 5, properties: [], userId: false })).toHaveLength(3);
  });

  it('points at what is missing', () => {
    const { messageId: _, ...event } = EVENT;
    expect(validate(event)).toEqual([{ path: '/messageId', message: 'is missing' }]);
    expect(validate({ ...EVENT, type: 'identify' })).toEqual([
      { path: '/traits', message: 'is missing' },
    ]);
  });

  it('names the types there are where a type is missing, unknown or no text', () => {
    const all = 'identify, track, page, screen, group, alias, delete, record';
    const { type: _, ...untyped } = EVENT;
    expect(validate(untyped)).toEqual([
      { path: '/type', message: `is missing: it must be one of ${all}` },
    ]);
    for (const type of ['trak', 'constructor', 7, ['track']]) {
      expect(validate({ ...EVENT, type })).toEqual([
        { path: '/type', message: `must be one of ${all}` },
      ]);
    }
    expect(validate({ ...EVENT, type: 'trak' }, ['merge'])).toEqual([
      { path: '/type', message: `must be one of ${all}, merge` },
    ]);
  });

  it('takes extra types in any case and holds them to the common fields', () => {
    expect(validate({ ...EVENT, type: 'merge' }, ['Merge'])).toEqual([]);
    expect(validate({ ...EVENT, type: 'merge', context: 1 }, ['Merge'])).toEqual([
      { path: '/context', message: 'must be an object' },
    ]);
  });

  it.each(['action', 'fields', 'identifiers'])('looks at %s only in a record', (field) => {
    expect(validate({ ...EVENT, [field]: 1 })).toEqual([]);
    expect(validate({ ...EVENT, type: 'record', [field]: 1 })).toHaveLength(1);
  });
});
