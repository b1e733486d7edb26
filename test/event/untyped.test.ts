import { describe, expect, it } from 'vitest';
import { wrapUntyped } from '../../src/event/untyped.js';

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

  it('copies only texts to the top', () => {
    expect(wrapUntyped({ userId: 7, messageId: null }, { as: 'track' })).toEqual({
      type: 'track',
      properties: { userId: 7, messageId: null },
    });
  });
});
