import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withNewIds } from '../../../src/workbench/inspect/new-ids.js';

const renew = (text: string): string | undefined => {
  let next = 0;
  return withNewIds(Buffer.from(text), () => `new-${next++}`)?.toString();
};

describe('a body with new ids', () => {
  it.each([
    ['{"messageId":"a","n":1.0}', '{"messageId":"new-0","n":1.0}'],
    [
      '\ufeff { "messageId" : 7 , "x":"\\u0041"}',
      '\ufeff { "messageId" : "new-0" , "x":"\\u0041"}',
    ],
    ['[{"messageId":"a"}, {"messageId":"b"}]', '[{"messageId":"new-0"}, {"messageId":"new-1"}]'],
    ['[{"json":{"messageId":"a"}}]', '[{"json":{"messageId":"new-0"}}]'],
    [
      '{"batch":[{"messageId":"a"}],"context":{"messageId":"c"}}',
      '{"batch":[{"messageId":"new-0"}],"context":{"messageId":"c"}}',
    ],
    ['{"properties":{"messageId":"a"}}', '{"properties":{"messageId":"a"}}'],
    ['{"json":{"messageId":"a"},"other":1}', '{"json":{"messageId":"a"},"other":1}'],
    ['[]', '[]'],
    ['[1,"messageId"]', '[1,"messageId"]'],
  ])('of %s is %s', (before, after) => {
    expect(renew(before)).toBe(after);
  });

  it.each(['', 'messageId=a', '<messageId>a</messageId>', '{"messageId":', '[{}', '"x"'])(
    'is none of %j',
    (text) => {
      expect(renew(text)).toBeUndefined();
    },
  );

  it('is what it was but for the ids', () => {
    const event = fc.dictionary(
      fc.string().filter((key) => key !== 'messageId' && key !== 'batch' && key !== 'json'),
      fc.jsonValue({ maxDepth: 2 }),
    );
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const before = events.map((each, at) => ({ messageId: `old-${at}`, ...each }));
        const after = JSON.parse(renew(JSON.stringify(before)) ?? '');
        const expected = before.map((each, at) => ({ ...each, messageId: `new-${at}` }));
        expect(after).toEqual(JSON.parse(JSON.stringify(expected)));
      }),
    );
  });
});
