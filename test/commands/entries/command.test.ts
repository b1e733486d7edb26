import { afterEach, describe, expect, it } from 'vitest';
import { close } from '../../admin/listen.js';
import { claimAll, delivery, NOW, newEvents, settle } from '../../outbox/samples.js';
import { servedAdmin } from '../served-admin.js';

afterEach(close);

describe('dead-letters replay', () => {
  async function withThree() {
    const served = await servedAdmin([{ name: 'far', maxPending: 3 }]);
    await served.outbox.append(delivery(newEvents(3)));
    const consumer = served.outbox.consumer('far', 1);
    const attempt = { at: NOW, error: 'no' };
    const claimed = await claimAll(consumer);
    await settle(
      consumer,
      claimed.map(({ id }) => ({ id, outcome: 'dead', attempt })),
    );
    return served;
  }

  it('replays as many as fit, says how many remain and why, and fails', async () => {
    const { outbox, run } = await withThree();
    await outbox.append(delivery(newEvents(2, {}, 9)));
    const reason = 'sink far has too many pending events (maxPending); replay the rest later';
    expect(await run('dead-letters', 'replay', '--all')).toEqual({
      code: 1,
      stdout: 'replayed 1, 2 remain\n',
      stderr: `trackbridge: ${reason}\n`,
    });
    const { code, stdout } = await run(
      'dead-letters',
      'replay',
      '--all',
      '--sink',
      'far',
      '--json',
    );
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ replayed: 0, remaining: 2, errors: [reason] });
    const { sinks } = await outbox.stats();
    expect(sinks).toMatchObject([{ pending: 3, deadLetters: 2 }]);
  });

  it('replays all of them where they fit', async () => {
    const { run } = await withThree();
    expect(await run('dead-letters', 'replay', '--all')).toEqual({
      code: 0,
      stdout: 'replayed 3\n',
      stderr: '',
    });
  });
});
