import { describe, expect, it, vi } from 'vitest';
import { replayDeadLetters, replayQuarantine } from '../../src/admin/replays.js';
import { TrackbridgeError } from '../../src/core/errors.js';
import type { DeadLetter, Quarantined, Requeued } from '../../src/outbox/entries.js';

const letter = (id: string, sink: string): DeadLetter => ({
  id,
  sink,
  at: 0,
  attempts: [],
  json: '{}',
});

describe('a replay of dead letters', () => {
  it('says whose had to stay, and asks a sink without room no second time', async () => {
    const requeue = vi.fn(
      async (ids: readonly string[]): Promise<Requeued> => ({
        requeued: ids.length - 2,
        kept: [
          { sink: 'far', events: 1, why: 'full' },
          { sink: 'gone', events: 1, why: 'not configured' },
        ],
      }),
    );
    const replay = replayDeadLetters({ requeue });
    const letters = [letter('1', 'far'), letter('2', 'near'), letter('3', 'gone')];
    expect(await replay(letters)).toEqual({
      replayed: 1,
      errors: [
        'sink far has too many pending events (maxPending); replay the rest later',
        'sink gone is not configured; add it to the configuration to replay its dead letters',
      ],
    });
    await replay([letter('4', 'far'), letter('5', 'near'), letter('6', 'gone')]);
    expect(requeue).toHaveBeenLastCalledWith(['5']);
    expect(await replay([letter('7', 'far')])).toEqual({ replayed: 0, errors: [] });
    expect(requeue).toHaveBeenCalledTimes(2);
  });
});

describe('a replay of the quarantine', () => {
  const entry = (id: string): Quarantined => ({ id }) as Quarantined;

  it('ends where the outbox is full, and says so once', async () => {
    const accept = vi.fn(async ({ id }: Quarantined) => {
      if (id === '1') throw new TrackbridgeError('EVENT_INVALID', 'still not valid');
      if (id !== '2') throw new TrackbridgeError('OUTBOX_FULL', 'the outbox is full');
    });
    const replay = replayQuarantine(accept);
    expect(await replay(['1', '2', '3', '4'].map(entry))).toEqual({
      replayed: 1,
      errors: ['1: still not valid', 'the outbox is full'],
    });
    expect(await replay([entry('5')])).toEqual({ replayed: 0, errors: [] });
    expect(accept).toHaveBeenCalledTimes(3);
  });
});
