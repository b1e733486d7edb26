import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DELIVERED, SinkError } from '../../../src/sinks/sink.js';
import { FakeClock, idle } from '../fake-clock.js';
import { aConfig, anEvent, FakeSink, rejected, unavailable } from '../fakes.js';
import { withSink, withSinks } from '../harness.js';

const refused = new SinkError('connection refused', { retryable: true });
const LANES = 8;
const USERS = Array.from({ length: 40 }, (_, user) => `u${user}`);

/** A sink that is down until it is told otherwise, with the time of every attempt. */
function aDeadSink(config = {}) {
  let clock = new FakeClock();
  const times: number[] = [];
  const sink = new FakeSink(async () => {
    times.push(clock.monotonic());
    throw refused;
  });
  const running = withSink(sink, { config: { lanes: LANES, ...config } });
  ({ clock } = running);
  for (const userId of USERS) running.outbox.add(anEvent(userId, { userId }));
  return { ...running, sink, times };
}

describe('a dead sink with eight lanes', () => {
  it('gets one attempt a probe rather than one a lane, and all that waited once it is back', async () => {
    const { clock, consumer, counted, dispatcher, sink, times } = aDeadSink();
    dispatcher.start();
    await clock.advance(0);
    const atFirst = times.length;
    expect(atFirst).toBeLessThanOrEqual(LANES);
    await clock.advance(3_600_000);
    // 1, 2, 4, 8 and 16 seconds, then one each half minute.
    expect(times.length - atFirst).toBe(5 + Math.floor((3_600 - 31) / 30));
    expect(new Set(times.slice(atFirst)).size).toBe(times.length - atFirst);
    expect(dispatcher.state()).toMatchObject([{ circuit: 'open', state: 'backing-off' }]);

    sink.deliverWith = async (batch) => batch.map(() => DELIVERED);
    await clock.advance(30_000);
    expect(consumer().pending).toEqual([]);
    expect(dispatcher.state()).toMatchObject([{ circuit: 'closed', state: 'running' }]);
    expect(counted.openings).toBe(1);
  });

  it('is one line in the log when its circuit opens and one when it closes, not one an attempt', async () => {
    const { clock, counted, dispatcher, sink } = aDeadSink();
    dispatcher.start();
    await clock.advance(60_000);
    sink.deliverWith = async (batch) => batch.map(() => DELIVERED);
    await clock.advance(60_000);
    expect(counted.warnings.filter((line) => line.includes('circuit'))).toHaveLength(1);
    // Those that opened it; what fails after that is not news.
    expect(counted.warnings.filter((line) => line.includes('a delivery failed'))).toHaveLength(5);
    expect(counted.infos).toEqual([
      {
        sink: 'main',
        openFor: 61_000,
        pending: expect.any(Number),
        message: 'the sink is up again: its circuit is closed',
      },
    ]);
    expect(Number(counted.infos[0]?.['pending'])).toBeGreaterThan(0);
  });

  it('does not hold up a stop, which loses nothing', async () => {
    const { clock, consumer, dispatcher } = aDeadSink();
    dispatcher.start();
    await clock.advance(60_000);
    const before = clock.monotonic();
    await dispatcher.stop(10_000);
    expect([clock.monotonic() - before, clock.sleeping]).toEqual([0, 0]);
    expect(consumer().pending).toHaveLength(USERS.length);
  });

  it('does not slow another sink', async () => {
    const well = new FakeSink();
    const { clock, consumer, dispatcher, outbox } = withSinks([
      {
        name: 'ill',
        config: aConfig({ lanes: 4 }),
        sink: new FakeSink(() => Promise.reject(refused)),
      },
      { name: 'well', config: aConfig({ lanes: 4 }), sink: well },
    ]);
    dispatcher.start();
    for (const userId of USERS) outbox.add(anEvent(`a-${userId}`, { userId }));
    await clock.advance(10_000);
    for (const userId of USERS) outbox.add(anEvent(`b-${userId}`, { userId }));
    await idle();
    expect(dispatcher.state()).toMatchObject([{ circuit: 'open' }, { circuit: 'closed' }]);
    expect(consumer('well').done).toHaveLength(2 * USERS.length);
  });

  it('makes no event a dead letter that was not attempted, nor keeps one for longer than it may', async () => {
    const giveUpAfter = 10_000;
    const { clock, consumer, dispatcher, outbox, sink } = aDeadSink({
      batch: { size: 3, wait: 0 },
      retry: { initial: 1_000, max: 300_000, giveUpAfter },
    });
    dispatcher.start();
    await clock.until(() => consumer().dead.size === USERS.length);
    for (const [id, attempts] of consumer().dead) {
      const [first, last] = [attempts[0], attempts.at(-1)];
      expect(attempts.length, id).toBe(sink.batches.filter((batch) => batch.includes(id)).length);
      expect(Number(last?.at) - Number(first?.at), id).toBeGreaterThanOrEqual(giveUpAfter);
      expect(Number(last?.at) - Number(first?.at), id).toBeLessThan(giveUpAfter + 10);
    }
    outbox.add(anEvent('after'));
    sink.deliverWith = async (batch) => batch.map(() => DELIVERED);
    await clock.until(() => consumer().done.length === 1);
  });
});

describe('one poisoned user', () => {
  it('never keeps the others waiting while they have something to send', async () => {
    const sink = new FakeSink(async (batch) => {
      if (batch.some(({ event }) => event.userId === 'poisoned')) throw refused;
      return batch.map(() => DELIVERED);
    });
    const { clock, consumer, counted, dispatcher, outbox } = withSink(sink, {
      config: { lanes: LANES, batch: { size: 1, wait: 0 } },
    });
    outbox.add(anEvent('bad', { userId: 'poisoned' }));
    dispatcher.start();
    // Alone it opens the circuit, as nothing tells it from a sink that is down.
    await clock.advance(120_000);
    expect(dispatcher.state()).toMatchObject([{ circuit: 'open' }]);
    for (const userId of USERS) outbox.add(anEvent(userId, { userId }));
    await clock.advance(0);
    const others = consumer().pending.filter((id) => id !== 'bad');
    // Those of its own lane wait behind it.
    expect(others.length).toBeLessThan(USERS.length / 3);
    const free = USERS.filter((userId) => !others.includes(userId)).slice(0, 5);
    for (let minute = 0; minute < 60; minute++) {
      for (const userId of free) outbox.add(anEvent(`${minute}-${userId}`, { userId }));
      await clock.advance(0);
      expect(consumer().pending.filter((id) => id.includes('-'))).toEqual([]);
      await clock.advance(60_000);
    }
    expect(counted.openings).toBeLessThanOrEqual(2);
    expect(consumer().done.length).toBeGreaterThan(USERS.length);
  });
});

describe('whatever a sink does', () => {
  const outcome = fc.constantFrom('up', 'down', 'down', 'asks', 'mixed', 'refuses', 'hangs');
  // In stretches, or five failures in a row would hardly ever come.
  const script = fc
    .array(fc.tuple(outcome, fc.integer({ min: 1, max: 9 })), {
      minLength: 1,
      maxLength: 12,
      size: 'max',
    })
    .map((stretches) => stretches.flatMap(([what, times]) => Array<string>(times).fill(what)));

  it('keeps each user’s order, loses no event, and probes one at a time', async () => {
    let probed = false;
    await fc.assert(
      fc.asyncProperty(
        script,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 40, size: 'max' }),
        fc.array(fc.nat(20_000), { minLength: 1, maxLength: 8 }),
        async (script, lanes, size, users, pauses) => {
          const results = [...script];
          const arrived = new Map<string, string[]>();
          let probes = 0;
          let probesAtOnce = 0;
          const sink = new FakeSink();
          const config = {
            lanes,
            batch: { size, wait: 0 },
            timeout: 2_000,
            retry: { initial: 500, max: 60_000, giveUpAfter: 86_400_000 },
          };
          const { clock, consumer, counted, dispatcher, outbox } = withSink(sink, { config });
          sink.deliverWith = async (batch, signal) => {
            // Seen from here it is half-open for the probe, and closed for every other attempt.
            const probing = dispatcher.state()[0]?.circuit !== 'closed';
            if (probing) probes++;
            probesAtOnce = Math.max(probesAtOnce, probes);
            probed ||= probing;
            try {
              const next = results.shift();
              await clock.sleep(50);
              if (next === 'down') throw refused;
              if (next === 'asks')
                throw new SinkError('429', { retryable: true, retryAfter: 9_000 });
              if (next === 'refuses') throw new SinkError('400', { retryable: false });
              if (next === 'hangs') await clock.sleep(60_000, signal);
              if (signal.aborted) throw new Error('aborted');
              return batch.map((event, index) => {
                // As sinks do that send one by one: nothing overtakes what failed for now.
                if (next === 'mixed' && index === 1) return rejected;
                if (next === 'mixed' && index > 1) return unavailable;
                const user = String(event.event.userId);
                arrived.set(user, [...(arrived.get(user) ?? []), event.messageId]);
                return DELIVERED;
              });
            } finally {
              if (probing) probes--;
            }
          };
          dispatcher.start();
          const ids: string[] = [];
          for (const [index, user] of users.entries()) {
            ids.push(outbox.add(anEvent(`${index}`, { userId: `u${user}` })));
            await clock.advance(pauses[index % pauses.length] ?? 0);
          }
          await clock.until(() => consumer().pending.length === 0);

          const { dead, done } = consumer();
          expect([...done, ...dead.keys()].sort()).toEqual(ids.sort());
          for (const mine of arrived.values()) {
            expect(mine).toEqual([...mine].sort((a, b) => Number(a) - Number(b)));
          }
          for (const attempts of dead.values()) expect(attempts.length).toBeGreaterThan(0);
          expect(probesAtOnce).toBeLessThanOrEqual(1);
          expect(counted.infos.length).toBeLessThanOrEqual(counted.openings);
          await dispatcher.stop(1_000);
          expect(clock.sleeping).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
    expect(probed).toBe(true);
  }, 60_000);
});
