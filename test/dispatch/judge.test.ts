import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DELIVERED, SinkError } from '../../src/sinks/sink.js';
import { anEvent, FakeSink } from './fakes.js';
import { withSink } from './harness.js';

const poisoned = new SinkError('400 from the sink', { retryable: false });

describe('a batch that fails for good', () => {
  it('is halved until exactly the poison is a dead letter, and all else arrives once, in order', async () => {
    const line = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(line, fc.integer({ min: 1, max: 20 }), async (poison, size) => {
        const bad = new Set(poison.flatMap((is, n) => (is ? [`${n}`] : [])));
        const arrived: string[] = [];
        const sink = new FakeSink(async (batch) => {
          const ids = batch.map(({ messageId }) => messageId);
          if (ids.some((id) => bad.has(id))) throw poisoned;
          arrived.push(...ids);
          return ids.map(() => DELIVERED);
        });
        const { clock, consumer, dispatcher, outbox } = withSink(sink, {
          config: { batch: { size, wait: 0 } },
        });
        const all = poison.map((_, n) => outbox.add(anEvent(`${n}`)));
        dispatcher.start();
        await clock.until(() => consumer().pending.length === 0);
        expect([...consumer().dead.keys()]).toEqual(all.filter((id) => bad.has(id)));
        expect(arrived).toEqual(all.filter((id) => !bad.has(id)));
        expect(consumer().settlements).toHaveLength(all.length);
        // No waiting: halving is not a retry.
        expect(clock.monotonic()).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('survives failures that pass while it is halved', async () => {
    // Every second attempt fails for now; poison still has to be found, and nothing may be sent twice.
    let attempts = 0;
    const arrived: string[] = [];
    const sink = new FakeSink(async (batch) => {
      if (attempts++ % 2 === 0) throw new SinkError('503', { retryable: true });
      const ids = batch.map(({ messageId }) => messageId);
      if (ids.includes('5')) throw poisoned;
      arrived.push(...ids);
      return ids.map(() => DELIVERED);
    });
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    for (let n = 0; n < 12; n++) outbox.add(anEvent(`${n}`));
    dispatcher.start();
    await clock.until(() => consumer().pending.length === 0);
    expect(arrived).toEqual(['0', '1', '2', '3', '4', '6', '7', '8', '9', '10', '11']);
    expect([...consumer().dead.keys()]).toEqual(['5']);
    expect(consumer().attemptsOf('5').at(-1)?.error).toBe('400 from the sink');
  });
});
