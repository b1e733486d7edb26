import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { Waiters } from '../../src/core/waiters.js';

it('wakes every caller that waits, and none that comes later', async () => {
  const waiters = new Waiters();
  const { signal } = new AbortController();
  const waiting = [waiters.wait(signal), waiters.wait(signal)];
  expect(waiters.isEmpty).toBe(false);
  waiters.wake();
  await Promise.all(waiting);
  expect(waiters.isEmpty).toBe(true);
  let woken = false;
  void waiters.wait(signal).then(() => {
    woken = true;
  });
  await Promise.resolve();
  expect(woken).toBe(false);
});

it('wakes a caller whose signal aborts, and leaves no listener behind', async () => {
  const waiters = new Waiters();
  const abort = new AbortController();
  const waiting = waiters.wait(abort.signal);
  const other = waiters.wait(new AbortController().signal);
  abort.abort();
  await waiting;
  expect(waiters.isEmpty).toBe(false);
  waiters.wake();
  await other;
  expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  await waiters.wait(abort.signal);
  expect(waiters.isEmpty).toBe(true);
});
