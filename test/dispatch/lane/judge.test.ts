import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DELIVERED, SinkError } from '../../../src/sinks/sink.js';
import { anEvent, type Deliver, FakeSink } from '../fakes.js';
import { withSink } from '../harness.js';

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

describe('what the far side said of a failure', () => {
  const farSide = 'bad email ann@example.com';

  it.each([
    [
      'of a batch',
      async () => {
        throw new SinkError('answered 400 Bad Request', { retryable: false, farSide });
      },
    ],
    [
      'of one event',
      async () => [{ ok: false, retryable: false, message: 'answered 400 Bad Request', farSide }],
    ],
  ] satisfies [string, Deliver][])(
    'is with the dead letter and not in the log: %s',
    async (_, deliver) => {
      const { clock, consumer, counted, dispatcher, outbox } = withSink(new FakeSink(deliver));
      const id = outbox.add(anEvent('1'));
      dispatcher.start();
      await clock.until(() => consumer().dead.size === 1);
      expect(consumer().attemptsOf(id).at(-1)).toMatchObject({
        error: 'answered 400 Bad Request',
        farSide,
      });
      expect(counted.logged.some((line) => line.includes('answered 400 Bad Request'))).toBe(true);
      expect(counted.logged.join()).not.toContain('ann@example.com');
      expect(JSON.stringify(dispatcher.state())).not.toContain('ann@example.com');
    },
  );

  it('is kept with every attempt that is tried again, and with giving up', async () => {
    const failing = new SinkError('answered 500', { retryable: true, farSide });
    const { clock, consumer, counted, dispatcher, outbox } = withSink(
      new FakeSink(() => Promise.reject(failing)),
      { config: { retry: { initial: 1_000, max: 1_000, giveUpAfter: 3_000 } } },
    );
    const id = outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.until(() => consumer().dead.size === 1);
    const attempts = consumer().attemptsOf(id);
    expect(attempts.length).toBeGreaterThan(1);
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({ error: expect.stringContaining('answered 500'), farSide });
    }
    expect(counted.logged.join()).not.toContain('ann@example.com');
  });
});
