import { describe, expect, it } from 'vitest';
import { isEventType, wrapUntyped } from '../../src/event/untyped.js';

const OBJECT = { id: 7, userId: 'u', messageId: 'm', timestamp: '2026-01-02', writeKey: 'WK' };
const CONTENT = { id: 7, userId: 'u', messageId: 'm', timestamp: '2026-01-02' };
const ON_TOP = { userId: 'u', messageId: 'm', timestamp: '2026-01-02' };

describe('wrapUntyped', () => {
  it.each([
    ['track', { event: 'Row', properties: CONTENT }],
    ['Track', { event: 'Row', properties: CONTENT }],
    ['page', { name: 'Row', properties: CONTENT }],
    ['screen', { name: 'Row', properties: CONTENT }],
    ['identify', { event: 'Row', traits: CONTENT }],
    ['group', { event: 'Row', traits: CONTENT }],
    ['merge', { event: 'Row', properties: CONTENT }],
  ])('makes an object a %s', (as, expected) => {
    expect(wrapUntyped(OBJECT, { as, event: 'Row' })).toEqual({ type: as, ...ON_TOP, ...expected });
  });

  it('names nothing where no name is configured', () => {
    expect(wrapUntyped({ a: 1 }, { as: 'track' })).toEqual({ type: 'track', properties: { a: 1 } });
  });

  it('copies ids of any JSON type to the top, and times only as texts', () => {
    const row = { userId: 7, messageId: 8, anonymousId: null, groupId: { id: 9 }, timestamp: 10 };
    expect(wrapUntyped(row, { as: 'track' })).toEqual({
      type: 'track',
      userId: 7,
      messageId: 8,
      anonymousId: null,
      groupId: { id: 9 },
      properties: row,
    });
  });
});

describe('isEventType', () => {
  it.each(['track', 'Track', 'IDENTIFY', 'record', 'Merge'])('knows %s', (type) => {
    expect(isEventType(type, ['merge'])).toBe(true);
  });

  it.each(['gold', '', ' track', null, undefined, 7, true, {}, ['track']])(
    'takes %j for a column',
    (type) => {
      expect(isEventType(type, ['merge'])).toBe(false);
    },
  );
});
