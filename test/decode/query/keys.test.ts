import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stepsOf } from '../../../src/decode/query/keys.js';

const shard = fc.constantFrom('a', 'é', '.', '[', ']', '[0]', '[7]', '[12]', '[01]', '[x]', '1');
const key = fc.array(shard, { maxLength: 12 }).map((shards) => shards.join(''));

describe('the steps of a key', () => {
  it('are names and indexes', () => {
    expect(stepsOf('order.items[3].price', 999)).toEqual(['order', 'items', 3, 'price']);
    expect(stepsOf('a[0][10]', 999)).toEqual(['a', 0, 10]);
    expect(stepsOf('a[11]', 10)).toEqual(['a[11]']);
    expect(stepsOf('a[1e1].b[1', 999)).toEqual(['a[1e1]', 'b[1']);
    expect(stepsOf('a.', 999)).toEqual(['a.']);
  });

  it('are the same behind a part that only a name can be, which makes the whole key an odd one', () => {
    fc.assert(
      fc.property(key, (rest) => {
        // An array is only at the root without a name.
        fc.pre(!rest.startsWith('['));
        const whole = `odd[x].${rest}`;
        const steps = stepsOf(rest, 10);
        // An empty part makes the whole key one name, also behind a part that follows it; a dot in brackets splits nothing.
        const isOneName = stepsOf(`${rest}.z`, 10).length === 1;
        expect(stepsOf(whole, 10)).toEqual(isOneName ? [whole] : ['odd[x]', ...steps]);
      }),
      { numRuns: 3000 },
    );
  });
});
