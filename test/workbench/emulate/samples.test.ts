import { describe, expect, it } from 'vitest';
import { SAMPLE_TYPES, sampleEvent } from '../../../src/workbench/emulate/samples.js';
import { SHOPPING } from '../../../src/workbench/emulate/shopping.js';

describe.each(['segment', 'rudderstack'] as const)('made-up events of %s', (vendor) => {
  it.each(SAMPLE_TYPES)('%s has its type, an id of its own and the times given', (type) => {
    const make = () => sampleEvent({ vendor, type, event: undefined, index: 0, now: 0 });
    const [one, other] = [make(), make()];
    expect(one['type']).toBe(['ecommerce', 'engage'].includes(type) ? 'track' : type);
    expect(one['messageId']).not.toBe(other['messageId']);
    expect(String(one['messageId']).length).toBeLessThanOrEqual(100);
    expect(one['timestamp']).toBe('1970-01-01T00:00:00.000Z');
    expect(one['userId']).toBe('user-0');
  });

  it('go through all of the e-commerce specification', () => {
    const names = Object.keys(SHOPPING).map(
      (_, index) =>
        sampleEvent({ vendor, type: 'ecommerce', event: undefined, index, now: 0 })['event'],
    );
    expect(names).toEqual(Object.keys(SHOPPING));
  });

  it('have the properties of a name of that specification, and others of one that is not', () => {
    const named = (event: string) =>
      sampleEvent({ vendor, type: 'track', event, index: 0, now: 0 })['properties'];
    expect(named('Cart Viewed')).toEqual(SHOPPING['Cart Viewed']);
    expect(named('constructor')).toEqual({ source: 'trackbridge send' });
  });
});
