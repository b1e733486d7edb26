import { describe, expect, it } from 'vitest';
import { hasHop, hopsOf, withHop } from '../../src/event/hops.js';
import { canonical } from './dialects.js';

const marked = (context: object) =>
  canonical({ type: 'page', messageId: 'm', context: JSON.parse(JSON.stringify(context)) });

describe('the marks of the bridges an event has passed', () => {
  it('are added in order, beside what is there', () => {
    const context = withHop(withHop({ a: 1, trackbridge: { messageId: 'long' } }, 'A'), 'B');
    expect(context).toEqual({ a: 1, trackbridge: { messageId: 'long', hops: ['A', 'B'] } });
    expect(hopsOf(marked(context))).toEqual(['A', 'B']);
  });

  it('are recognised by the bridge they are of only', () => {
    const event = marked(withHop({}, 'A'));
    expect(hasHop(event, 'A')).toBe(true);
    expect(hasHop(event, 'B')).toBe(false);
  });

  it.each([
    {},
    { trackbridge: 'A' },
    { trackbridge: { hops: 'A' } },
    { trackbridge: { hops: [1] } },
  ])('are none in %j', (context) => {
    expect(hopsOf(marked(context))).toEqual([]);
  });

  it('change nothing in the context they are added to', () => {
    const context = { trackbridge: { hops: ['A'] } };
    withHop(context, 'B');
    expect(context).toEqual({ trackbridge: { hops: ['A'] } });
  });
});
