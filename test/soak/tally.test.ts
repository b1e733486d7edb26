import { expect, it } from 'vitest';
import { Tally } from './tally.js';

it('counts each event once, and what is answered and has not arrived as lost', () => {
  const tally = new Tally(10, 2);
  for (const event of [0, 1, 2, 3, 3]) tally.answer(event);
  for (const event of [0, 1, 3]) tally.arrive(event);
  expect(tally).toMatchObject({ answered: 4, arrived: 3, duplicated: 0, overtaken: 0 });
  expect(tally.lost()).toBe(1);
});

it('counts every further arrival as a duplicate, and no duplicate as overtaken', () => {
  const tally = new Tally(10, 2);
  for (const event of [0, 2, 0, 0]) tally.arrive(event);
  expect(tally).toMatchObject({ arrived: 2, duplicated: 2, overtaken: 0 });
});

it('counts what arrives after a younger event of the same user', () => {
  const tally = new Tally(10, 2);
  for (const event of [4, 1, 2, 3]) tally.arrive(event);
  expect(tally.overtaken).toBe(1);
});
