import { expect, it } from 'vitest';
import { cpuBetween } from '../../../bench/machine/threads.js';

const thread = (id: number, cpu: number, written = 0) => ({ id, cpu, written });

it('splits CPU time into event loop, the thread that writes, and the others', () => {
  const before = { cpu: 100, threads: [thread(7, 60), thread(8, 30, 500), thread(9, 10)] };
  const after = {
    cpu: 1_000,
    threads: [thread(7, 560), thread(8, 230, 9_000), thread(9, 110, 100), thread(10, 50)],
  };
  expect(cpuBetween(7, before, after)).toEqual({ total: 900, loop: 500, store: 200, other: 200 });
});

it('has no store thread if the main thread writes most', () => {
  const before = { cpu: 0, threads: [thread(7, 0), thread(8, 0)] };
  const after = { cpu: 100, threads: [thread(7, 80, 4_096), thread(8, 10, 10)] };
  expect(cpuBetween(7, before, after)).toEqual({ total: 100, loop: 80, store: 0, other: 20 });
});

it('has no store thread if nothing was written', () => {
  const before = { cpu: 0, threads: [thread(7, 0)] };
  const after = { cpu: 100, threads: [thread(7, 90)] };
  expect(cpuBetween(7, before, after)).toMatchObject({ store: 0, other: 10 });
});
