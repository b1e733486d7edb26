import { describe, expect, it } from 'vitest';
import { DELIVERED } from '../../../src/sinks/sink.js';
import { anEvent, FakeSink, rejected } from '../fakes.js';
import { withSink } from '../harness.js';

describe('settling', () => {
  it('is tried again while the outbox fails, and nothing is delivered twice meanwhile', async () => {
    const sink = new FakeSink(async (batch) =>
      batch.map(({ messageId }) => (messageId === '2' ? rejected : DELIVERED)),
    );
    const { clock, consumer, counted, dispatcher, outbox } = withSink(sink, {
      config: { batch: { size: 2, wait: 0 } },
    });
    consumer().failSettles = 20;
    for (const id of ['1', '2', '3']) outbox.add(anEvent(id));
    dispatcher.start();
    await clock.advance(30_000);
    expect(sink.batches).toEqual([['1', '2']]);
    expect(dispatcher.state()).toMatchObject([
      { state: 'backing-off', lastError: expect.stringMatching(/did not record .*disk is full/) },
    ]);
    expect(counted.deadLetters).toBe(0);
    await clock.until(() => consumer().done.length === 2);
    expect(sink.batches).toEqual([['1', '2'], ['3']]);
    expect([...consumer().dead.keys()]).toEqual(['2']);
    expect(counted.deadLetters).toBe(1);
  });

  it('ends with the grace of a stop, leaving the events pending', async () => {
    const { clock, consumer, dispatcher, outbox } = withSink(new FakeSink());
    consumer().failSettles = Number.POSITIVE_INFINITY;
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.advance(0);
    const state = { stopped: false };
    void dispatcher.stop(3_000).then(() => {
      state.stopped = true;
    });
    await clock.advance(2_999);
    expect(state.stopped).toBe(false);
    await clock.advance(1);
    expect(state.stopped).toBe(true);
    expect(consumer().pending).toEqual(['1']);
  });
});
