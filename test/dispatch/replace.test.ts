import { describe, expect, it } from 'vitest';
import { DELIVERED } from '../../src/sinks/sink.js';
import { type FakeClock, idle } from './fake-clock.js';
import { aConfig, anEvent, FakeSink, hang, unavailable } from './fakes.js';
import { withSinks } from './harness.js';

const specOf = (name: string, sink: FakeSink) => ({ name, config: aConfig(), sink });

/** A sink whose attempts each take so long. */
const slow = (clock: () => FakeClock, ms: number): FakeSink =>
  new FakeSink(async (batch) => {
    await clock().sleep(ms);
    return batch.map(() => DELIVERED);
  });

describe('other sinks', () => {
  it('leave a sink that stays alone, in the middle of an attempt', async () => {
    const [first, second, third] = [
      slow(() => running.clock, 3_000),
      new FakeSink(),
      new FakeSink(),
    ];
    const running = withSinks([specOf('stays', first), specOf('goes', second)]);
    const { clock, dispatcher, outbox } = running;
    outbox.of('comes');
    dispatcher.start();
    outbox.add(anEvent('1'));
    await idle();
    await dispatcher.replace({
      names: ['comes', 'stays'],
      specs: [specOf('comes', third)],
      paused: [],
    });
    await clock.advance(3_000);
    expect([first.opened, first.closed, first.batches]).toEqual([1, 0, [['1']]]);
    expect(running.consumer('stays').done).toEqual(['1']);
    expect([second.closed, running.consumer('goes').closed]).toEqual([1, true]);
    expect(third.batches).toEqual([['1']]);
    expect(dispatcher.state().map(({ name, state }) => [name, state])).toEqual([
      ['comes', 'running'],
      ['stays', 'running'],
    ]);
  });

  it('start one that has changed only after its attempt in flight, with what that left', async () => {
    const before: FakeSink = slow(() => running.clock, 3_000);
    const after = new FakeSink();
    const running = withSinks([specOf('main', before)]);
    const { clock, consumer, dispatcher, outbox } = running;
    dispatcher.start();
    outbox.add(anEvent('1'));
    await idle();
    outbox.add(anEvent('2'));
    const replaced = dispatcher.replace({
      names: ['main'],
      specs: [specOf('main', after)],
      paused: [],
    });
    await clock.advance(2_999);
    expect([before.closed, after.opened]).toEqual([0, 0]);
    await clock.advance(1);
    await replaced;
    await idle();
    expect([before.batches, before.closed, after.opened]).toEqual([[['1']], 1, 1]);
    expect([after.batches, consumer().done]).toEqual([[['2']], ['1', '2']]);
    expect(clock.sleeping).toBe(0);
  });

  it('wait no longer than its timeout for a sink that hangs, and send the event again', async () => {
    const after = new FakeSink();
    const { clock, consumer, dispatcher, outbox } = withSinks([specOf('main', new FakeSink(hang))]);
    dispatcher.start();
    outbox.add(anEvent('1'));
    await idle();
    const replaced = dispatcher.replace({
      names: ['main'],
      specs: [specOf('main', after)],
      paused: [],
    });
    await clock.advance(10_000);
    await replaced;
    await idle();
    expect([after.batches, consumer().done]).toEqual([[['1']], ['1']]);
  });

  it('do not wait for a sink that is down', async () => {
    const down = new FakeSink(async (batch) => batch.map(() => unavailable));
    const after = new FakeSink();
    const { clock, consumer, dispatcher, outbox } = withSinks([specOf('main', down)]);
    dispatcher.start();
    outbox.add(anEvent('1'));
    await clock.advance(60_000);
    await dispatcher.replace({ names: ['main'], specs: [specOf('main', after)], paused: [] });
    await idle();
    expect([after.batches, consumer().done]).toEqual([[['1']], ['1']]);
  });

  it('are those of the last change if another comes before a sink has ended', async () => {
    const before: FakeSink = slow(() => running.clock, 3_000);
    const [never, last] = [new FakeSink(), new FakeSink()];
    const running = withSinks([specOf('main', before)]);
    const { clock, dispatcher, outbox } = running;
    dispatcher.start();
    outbox.add(anEvent('1'));
    await idle();
    const change = (sink: FakeSink) =>
      dispatcher.replace({ names: ['main'], specs: [specOf('main', sink)], paused: [] });
    const changes = [change(never), dispatcher.replace({ names: [], specs: [], paused: [] })];
    changes.push(change(last));
    outbox.add(anEvent('2'));
    await clock.advance(3_000);
    await Promise.all(changes);
    await idle();
    expect([never.opened, never.closed, last.batches]).toEqual([0, 1, [['2']]]);
  });

  it('are paused where an operator has paused them, and stay so when they change', async () => {
    const { dispatcher, outbox } = withSinks([]);
    outbox.of('main');
    dispatcher.start();
    const [first, second] = [new FakeSink(), new FakeSink()];
    await dispatcher.replace({ names: ['main'], specs: [specOf('main', first)], paused: ['main'] });
    outbox.add(anEvent('1'));
    await dispatcher.replace({
      names: ['main'],
      specs: [specOf('main', second)],
      paused: ['main'],
    });
    await idle();
    expect(dispatcher.state()).toMatchObject([{ name: 'main', state: 'paused' }]);
    dispatcher.setPaused('main', false);
    await idle();
    expect([first.batches, second.batches]).toEqual([[], [['1']]]);
  });

  it('end at once with a stop in the middle of a change', async () => {
    const after = new FakeSink();
    const { clock, dispatcher, outbox } = withSinks([specOf('main', new FakeSink(hang))]);
    dispatcher.start();
    outbox.add(anEvent('1'));
    await idle();
    const replaced = dispatcher.replace({
      names: ['main'],
      specs: [specOf('main', after)],
      paused: [],
    });
    let isStopped = false;
    void dispatcher.stop(100).then(() => {
      isStopped = true;
    });
    await clock.advance(2_100);
    expect([isStopped, after.opened, after.closed]).toEqual([true, 0, 1]);
    await replaced;
    expect(clock.sleeping).toBe(0);
  });

  it('divide the memory of events among those that run now', async () => {
    const running = withSinks([specOf('first', new FakeSink(hang))], { memory: 4_000 });
    const { dispatcher, outbox } = running;
    const second = new FakeSink();
    outbox.of('second');
    dispatcher.start();
    for (let at = 0; at < 20; at++) outbox.add(anEvent(`m${at}`));
    await idle();
    await dispatcher.replace({
      names: ['first', 'second'],
      specs: [specOf('second', second)],
      paused: [],
    });
    for (let turn = 0; turn < 20; turn++) await idle();
    expect(running.consumer('second').done).toHaveLength(20);
  });
});
