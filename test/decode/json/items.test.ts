import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { itemBytes } from '../../../src/decode/json/items.js';

describe('the bytes of the events of a batch', () => {
  it.each([
    ['[]', []],
    ['{}', []],
    ['7', []],
    ['{"batch":{"a":[1]}}', []],
    ['{"items":[1,2]}', []],
    ['{"a":{"batch":[1]}}', []],
    [' [ 1 , "é" ,\n[2, 3] , {"a": [1, 2]}, null ] ', [1, 4, 6, 13, 4]],
    ['{"batch":[{"batch":[1,2]}, "]"]}', [15, 3]],
    ['{"a":[1,2],"batch" : [ 10 ],"z":[{}]}', [2]],
    ['{"b\\u0061tch":[1,22]}', [1, 2]],
    ['{"batch":[1,2,3],"batch":[4444]}', [4]],
    ['{"batch":[1,2],"batch":{}}', [1, 1]],
  ])('of %j are %j', (text, lengths) => {
    expect(itemBytes(text)).toEqual(lengths);
  });

  it('are those of each text, whatever the events hold', () => {
    const space = fc.constantFrom('', ' ', '\n\t', '  ');
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue()),
        space,
        space,
        fc.boolean(),
        (items, before, after, isArray) => {
          const texts = items.map((item) => JSON.stringify(item));
          const array = `[${texts.map((text) => before + text + after).join(',')}]`;
          const text = isArray
            ? array
            : `{"context":{"batch":[1]},${before}"batch"${after}:${array},"x":[[]]}`;
          expect(itemBytes(text)).toEqual(texts.map((one) => Buffer.byteLength(one)));
        },
      ),
    );
  });
});
