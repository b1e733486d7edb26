import { describe, expect, it } from 'vitest';
import { type ShutdownParts, shutDown } from '../../src/service/shutdown.js';
import { FakeClock } from '../dispatch/fake-clock.js';

/** What sinks, and the outbox, take beyond their grace at most. */
const SINKS_CLOSE = 2_000;
const OUTBOX_CLOSE = 2_000;

/** A receiver whose parts take all the time that they are given. */
function slowest(changes: Partial<ShutdownParts> = {}) {
  const clock = new FakeClock();
  const steps: string[] = [];
  const take = async (step: string, ms: number): Promise<void> => {
    await clock.sleep(ms);
    steps.push(`${step} ${clock.monotonic()}`);
  };
  const parts: ShutdownParts = {
    servers: [{ settle: (ms) => take('settled', ms), close: (ms) => take('connections', ms) }],
    budget: 5_000,
    flush: (ms) => take('flushed', ms),
    stopSinks: (ms) => take('sinks', ms + SINKS_CLOSE),
    stopTraces: (ms) => take('traces', ms),
    outbox: { close: () => take('outbox', OUTBOX_CLOSE) },
    ...changes,
  };
  return { clock, parts, steps };
}

describe('a shutdown', () => {
  it('ends within ten seconds though every part takes all of its time, in order', async () => {
    const { clock, parts, steps } = slowest();
    const ended = shutDown(parts, clock);
    await clock.advance(10_000);
    await ended;
    expect(steps).toEqual([
      'settled 5000',
      'flushed 5500',
      'connections 5800',
      'sinks 7500',
      'outbox 9500',
      'traces 9500',
    ]);
  });

  it('gives sinks the time that requests did not take', async () => {
    const { clock, parts, steps } = slowest({ budget: 0, flush: async () => undefined });
    const ended = shutDown(parts, clock);
    await clock.advance(10_000);
    await ended;
    expect(steps.at(-3)).toBe('sinks 7500');
  });

  it('says if the outbox did not close', async () => {
    const failed = new Error('its disk hangs');
    const outbox = { close: () => Promise.reject(failed) };
    const { clock, parts } = slowest({ outbox });
    const ended = shutDown(parts, clock).catch((error: unknown) => error);
    await clock.advance(10_000);
    expect(await ended).toBe(failed);
  });
});
