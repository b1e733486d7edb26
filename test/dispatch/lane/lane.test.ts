import { describe, expect, it } from 'vitest';
import { DELIVERED, type DeliveryResult, SinkError } from '../../../src/sinks/sink.js';
import { anEvent, FakeSink, hang, rejected, unavailable } from '../fakes.js';
import { withSink } from '../harness.js';

const down = new SinkError('503 from the sink', { retryable: true });

describe('a lane', () => {
  it.each([1, 7])(
    'loses nothing and keeps the order of 50 users over 8 lanes, batches of %d',
    async (size) => {
      // One event a user is refused for good after two failures, the others arrive at the third try.
      const tries = new Map<string, number>();
      const arrived: string[] = [];
      const status = (id: string): DeliveryResult => {
        const count = (tries.get(id) ?? 0) + 1;
        tries.set(id, count);
        if (count < 3) return unavailable;
        if (id.endsWith('-17')) return rejected;
        arrived.push(id);
        return DELIVERED;
      };
      const sink = new FakeSink(async (batch) => batch.map(({ messageId }) => status(messageId)));
      const { clock, consumer, counted, dispatcher, outbox } = withSink(sink, {
        config: { lanes: 8, batch: { size, wait: 0 } },
      });
      const users = Array.from({ length: 50 }, (_, user) => `u${user}`);
      for (let n = 0; n < 40; n++) {
        for (const userId of users) outbox.add(anEvent(`${userId}-${n}`, { userId }));
      }
      dispatcher.start();
      await clock.until(() => consumer().pending.length === 0);

      for (const user of users) {
        const mine = arrived.filter((id) => id.startsWith(`${user}-`));
        const expected = Array.from({ length: 40 }, (_, n) => `${user}-${n}`);
        expect(mine).toEqual(expected.filter((id) => !id.endsWith('-17')));
      }
      expect([...consumer().dead.keys()].sort()).toEqual(users.map((user) => `${user}-17`).sort());
      expect(consumer().done.length).toBe(50 * 39);
      expect([...tries.values()].every((count) => count === 3)).toBe(true);
      expect(
        consumer()
          .attemptsOf('u3-17')
          .map(({ error }) => error),
      ).toEqual(['500 from the sink', '500 from the sink', '400 from the sink']);
      expect(counted.attempts).toEqual({
        'main transient': 4_000,
        'main delivered': 1_950,
        'main permanent': 50,
      });
      expect(counted.deadLetters).toBe(50);
    },
  );

  it('tries only what failed again, before anything newer', async () => {
    const results = [
      [DELIVERED, unavailable, rejected, unavailable],
      [DELIVERED, unavailable],
      [DELIVERED],
      [DELIVERED],
    ];
    const sink = new FakeSink(async () => results.shift() ?? []);
    const { clock, consumer, dispatcher, outbox } = withSink(sink, {
      config: { batch: { size: 4, wait: 0 } },
    });
    for (const id of ['1', '2', '3', '4', '5']) outbox.add(anEvent(id));
    dispatcher.start();
    await clock.until(() => consumer().pending.length === 0);
    expect(sink.batches).toEqual([['1', '2', '3', '4'], ['2', '4'], ['4'], ['5']]);
    expect(consumer().done).toEqual(['1', '2', '4', '5']);
    expect([...consumer().dead.keys()]).toEqual(['3']);
  });

  it('backs off longer each time, and as long as the far side asks', async () => {
    const times: number[] = [];
    const failures = [down, down, new SinkError('429', { retryable: true, retryAfter: 60_000 })];
    const sink = new FakeSink(async (batch) => {
      times.push(clock.monotonic());
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return batch.map(() => DELIVERED);
    });
    const { clock, consumer, dispatcher, outbox } = withSink(sink, { random: () => 0.5 });
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.until(() => consumer().done.length === 1);
    expect(times).toEqual([0, 750, 2_250, 62_250]);
  });

  it('takes the longest time that results of a batch ask for', async () => {
    const asking = (retryAfter: number) => ({ ...unavailable, retryAfter });
    const results = [
      [asking(70_000), asking(5_000), DELIVERED],
      [DELIVERED, DELIVERED],
    ];
    const sink = new FakeSink(async () => results.shift() ?? []);
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    for (const id of ['1', '2', '3']) outbox.add(anEvent(id));
    dispatcher.start();
    await clock.advance(69_999);
    expect(sink.batches).toHaveLength(1);
    await clock.advance(1);
    expect(consumer().done).toEqual(['3', '1', '2']);
  });

  it('gives up at giveUpAfter, with every attempt on record, and goes on', async () => {
    const sink = new FakeSink(async (batch) => {
      return batch.map(({ messageId }) => (messageId === '1' ? unavailable : DELIVERED));
    });
    const { clock, consumer, dispatcher, outbox } = withSink(sink, {
      config: {
        batch: { size: 1, wait: 0 },
        retry: { initial: 1_000, max: 4_000, giveUpAfter: 10_000 },
      },
    });
    outbox.add(anEvent('1'));
    outbox.add(anEvent('2'));
    dispatcher.start();
    const start = clock.now();
    await clock.until(() => consumer().dead.size === 1);
    expect(clock.monotonic()).toBe(10_000);
    const attempts = consumer().attemptsOf('1');
    expect(attempts.map(({ at }) => Math.round((at - start) / 1_000))).toEqual([0, 1, 3, 7, 10]);
    expect(attempts.at(-1)?.error).toBe('given up after 10 s: 500 from the sink');
    expect(consumer().done).toEqual(['2']);
  });

  it('makes a last attempt when an event is given up sooner than the far side wants', async () => {
    const asked = new SinkError('429', { retryable: true, retryAfter: 3_600_000 });
    const sink = new FakeSink(() => Promise.reject(asked));
    const { clock, consumer, dispatcher, outbox } = withSink(sink, {
      config: { retry: { initial: 1_000, max: 4_000, giveUpAfter: 10_000 } },
    });
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.until(() => consumer().dead.size === 1);
    expect(clock.monotonic()).toBe(10_000);
    expect(sink.batches).toHaveLength(2);
  });

  it('counts the attempts before a restart', async () => {
    const sink = new FakeSink(() => Promise.reject(down));
    const { clock, consumer, dispatcher, outbox } = withSink(sink, {
      config: { retry: { initial: 1_000, max: 300_000, giveUpAfter: 60_000 } },
    });
    const before = [30_000, 25_000, 20_000].map((ago) => ({ at: clock.now() - ago, error: 'x' }));
    outbox.add(anEvent('1'), before);
    dispatcher.start();
    await clock.advance(7_999);
    expect(sink.batches).toHaveLength(1);
    await clock.advance(1);
    expect(sink.batches).toHaveLength(2);
    await clock.until(() => consumer().dead.size === 1);
    expect(clock.monotonic()).toBe(30_000);
    expect(consumer().attemptsOf('1')).toHaveLength(before.length + 4);
  });

  it.each([
    ['forwards', 366 * 86_400_000],
    ['backwards', -366 * 86_400_000],
  ])('neither gives up early nor waits for ever when the wall clock jumps %s', async (_, jump) => {
    const sink = new FakeSink(() => Promise.reject(down));
    const { clock, consumer, dispatcher, outbox } = withSink(sink, {
      config: { retry: { initial: 1_000, max: 4_000, giveUpAfter: 10_000 } },
    });
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.advance(500);
    clock.jump(jump);
    await clock.advance(9_499);
    expect(consumer().dead.size).toBe(0);
    await clock.advance(1);
    expect(consumer().dead.size).toBe(1);
  });

  it('takes attempts that lie in the future for just made', async () => {
    const sink = new FakeSink(() => Promise.reject(down));
    const { clock, consumer, dispatcher, outbox } = withSink(sink, {
      config: { retry: { initial: 1_000, max: 4_000, giveUpAfter: 10_000 } },
    });
    outbox.add(anEvent('1'), [{ at: clock.now() + 86_400_000, error: 'x' }]);
    dispatcher.start();
    await clock.until(() => consumer().dead.size === 1);
    expect(clock.monotonic()).toBe(10_000);
  });

  it('goes on without a sink that ignores its timeout', async () => {
    const sink = new FakeSink(hang);
    const { clock, consumer, dispatcher, outbox } = withSink(sink, { config: { timeout: 5_000 } });
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.advance(6_000);
    sink.deliverWith = async () => [DELIVERED];
    expect(consumer().attemptsOf('1')).toMatchObject([
      { error: expect.stringMatching(/ignored the signal to stop/) },
    ]);
    await clock.advance(1_000);
    expect(consumer().done).toEqual(['1']);
  });

  it('keeps events when a sink returns nonsense', async () => {
    const answers = [[], [DELIVERED, DELIVERED], [DELIVERED]];
    const sink = new FakeSink(async () => answers.shift() ?? []);
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.until(() => consumer().done.length === 1);
    expect(sink.batches).toHaveLength(3);
    expect(consumer().settlements.map(({ outcome }) => outcome)).toEqual([
      'retry',
      'retry',
      'done',
    ]);
  });

  it('backs off while the outbox hands out nothing, and recovers', async () => {
    const sink = new FakeSink();
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    consumer().failClaims = 3;
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.advance(100 + 200 + 399);
    expect(dispatcher.state()).toMatchObject([{ state: 'backing-off', failuresInARow: 3 }]);
    expect(sink.batches).toHaveLength(0);
    await clock.advance(1);
    expect(consumer().done).toEqual(['1']);
    expect(dispatcher.state()).toMatchObject([{ state: 'running', failuresInARow: 0 }]);
  });
});
