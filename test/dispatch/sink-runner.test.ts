import { describe, expect, it } from 'vitest';
import { DELIVERED, SinkError } from '../../src/sinks/sink.js';
import { idle } from './fake-clock.js';
import { aConfig, anEvent, FakeSink, hang } from './fakes.js';
import { withSink, withSinks } from './harness.js';

const refused = new SinkError('connection refused', { retryable: true });

describe('opening a sink', () => {
  it('is tried again with backoff, and then everything that waited is delivered', async () => {
    const sink = new FakeSink();
    sink.openFailures = [refused, new SinkError('bad password', { retryable: false }), refused];
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.advance(1_000 + 2_000 + 3_999);
    expect(dispatcher.state()).toMatchObject([
      { name: 'main', state: 'opening', lastError: 'connection refused', failuresInARow: 3 },
    ]);
    expect(sink.batches).toEqual([]);
    await clock.advance(1);
    expect(consumer().done).toEqual(['1']);
    expect(dispatcher.state()).toMatchObject([{ state: 'running', failuresInARow: 0 }]);
  });

  it('does not hold up a stop, even where it hangs', async () => {
    const sink = new FakeSink();
    sink.open = () => new Promise(() => undefined);
    const { dispatcher, consumer } = withSink(sink);
    dispatcher.start();
    await idle();
    await dispatcher.stop(5_000);
    expect([sink.closed, consumer().closed]).toEqual([1, true]);
  });
});

describe('a sink in trouble', () => {
  it.each([
    ['hangs', () => new FakeSink(hang)],
    ['fails', () => new FakeSink(() => Promise.reject(refused))],
    [
      'cannot be opened',
      () => Object.assign(new FakeSink(), { open: () => Promise.reject(refused) }),
    ],
    [
      'throws before it returns a promise',
      () =>
        Object.assign(new FakeSink(), {
          open: () => {
            throw refused;
          },
        }),
    ],
  ])('that %s does not slow another', async (_, make) => {
    const well = new FakeSink();
    const { clock, consumer, dispatcher, outbox } = withSinks([
      { name: 'ill', config: aConfig({ lanes: 4 }), sink: make() },
      { name: 'well', config: aConfig({ lanes: 4 }), sink: well },
    ]);
    dispatcher.start();
    for (let n = 0; n < 100; n++) outbox.add(anEvent(`${n}`, { userId: `u${n % 9}` }));
    await idle();
    expect(consumer('well').done).toHaveLength(100);
    expect(consumer('ill').done).toHaveLength(0);
    expect(clock.monotonic()).toBe(0);
    expect(dispatcher.state()[1]).toMatchObject({
      name: 'well',
      state: 'running',
      failuresInARow: 0,
    });
    await clock.advance(10_000);
    expect(dispatcher.state()[0]?.failuresInARow).toBeGreaterThan(0);
  });

  it('shows how it fares', async () => {
    const sink = new FakeSink(() => Promise.reject(refused));
    const { clock, dispatcher, outbox } = withSink(sink);
    expect(dispatcher.state()).toMatchObject([{ state: 'stopped' }]);
    dispatcher.start();
    outbox.add(anEvent('1'));
    await clock.advance(999);
    expect(dispatcher.state()).toMatchObject([
      { name: 'main', state: 'backing-off', lastError: 'connection refused', failuresInARow: 1 },
    ]);
    sink.deliverWith = async () => [DELIVERED];
    await clock.advance(1);
    expect(dispatcher.state()).toMatchObject([
      { name: 'main', state: 'running', lastError: 'connection refused', failuresInARow: 0 },
    ]);
    await dispatcher.stop(0);
    expect(dispatcher.state()).toMatchObject([{ state: 'stopped' }]);
  });
});
