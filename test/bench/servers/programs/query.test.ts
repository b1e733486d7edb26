import { expect, it } from 'vitest';
import { parseQuery } from '../../../../bench/servers/programs/query.js';

it('makes flattened parameters an object again', () => {
  const query = 'order.id=o-1&order.items[0].price=1.95&order.items[0].name=Board%20game&note=a+b';
  expect(JSON.parse(JSON.stringify(parseQuery(query)))).toEqual({
    order: { id: 'o-1', items: { 0: { price: 1.95, name: 'Board game' } } },
    note: 'a b',
  });
});
