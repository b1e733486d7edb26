import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { watchLoopDelay } from '../../src/http/loop-delay.js';
import { eventually } from '../support/receiver.js';

it('shows a loop that is blocked again and again, and forgets it once it was read', async () => {
  const delay = watchLoopDelay();
  delay.start();
  try {
    for (let round = 0; round < 3; round++) {
      const until = performance.now() + 150;
      while (performance.now() < until);
      await sleep(0);
    }
    expect(delay.read()).toBeGreaterThan(50);
    await eventually(
      () => delay.read(),
      (late) => late < 50,
    );
  } finally {
    delay.stop();
  }
});
