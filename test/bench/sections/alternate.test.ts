import { expect, it } from 'vitest';
import { alternate } from '../../../bench/sections/alternate.js';

const settings = { rounds: 3, requests: 1, events: 1, full: false };

it('measures every subject once per round, and drops one that fails', async () => {
  const order: string[] = [];
  const failed: string[] = [];
  const subject = (name: string, failsIn?: number) => ({
    name,
    async measure(round: number) {
      order.push(`${name}${round}`);
      if (round === failsIn) throw new Error('broken');
      return round;
    },
  });
  const samples = await alternate(
    [subject('a'), subject('b', 2), subject('c')],
    {
      settings,
      note: () => undefined,
      fail: (name, error) => void failed.push(`${name}: ${error}`),
      progress: () => undefined,
    },
    String,
  );
  expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2', 'a3', 'c3']);
  expect([...samples]).toEqual([
    ['a', [1, 2, 3]],
    ['c', [1, 2, 3]],
  ]);
  expect(failed).toEqual(['b: Error: broken']);
});

it('measures only the lines asked for', async () => {
  const subjects = ['file, saturated', 'file, at 80 %', 'redis, saturated'].map((name) => ({
    name,
    measure: async () => 1,
  }));
  const samples = await alternate(
    subjects,
    {
      settings: { ...settings, lines: 'file' },
      note: () => undefined,
      fail: () => undefined,
      progress: () => undefined,
    },
    String,
  );
  expect([...samples.keys()]).toEqual(['file, saturated', 'file, at 80 %']);
});
