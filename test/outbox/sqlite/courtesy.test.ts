import { expect, it } from 'vitest';
import { turn } from '../../../src/core/clock.js';
import { Courtesy } from '../../../src/outbox/sqlite/courtesy.js';

function callers(courtesy: Courtesy, names: readonly number[], passed: number[]): void {
  for (const name of names) void courtesy.next().then(() => passed.push(name));
}

it('lets eight callers pass in a turn of the event loop, in order', async () => {
  const courtesy = new Courtesy();
  const passed: number[] = [];
  const names = Array.from({ length: 20 }, (_, at) => at);
  callers(courtesy, names, passed);
  await Promise.resolve();
  expect(passed).toEqual([0]);
  const counts: number[] = [];
  while (passed.length < names.length) {
    await turn();
    counts.push(passed.length);
  }
  expect(passed).toEqual(names);
  expect(counts).toEqual([9, 17, 20]);
});

it('lets a caller that is alone pass at once, again and again', async () => {
  const courtesy = new Courtesy();
  const passed: number[] = [];
  callers(courtesy, [1], passed);
  await Promise.resolve();
  expect(passed).toEqual([1]);
  await turn();
  await turn();
  callers(courtesy, [2], passed);
  await Promise.resolve();
  expect(passed).toEqual([1, 2]);
});
