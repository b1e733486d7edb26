import { describe, expect, it } from 'vitest';
import { Channel, createObservations } from '../../src/core/observe.js';

describe('a channel', () => {
  it('is observed while it has subscribers', () => {
    const channel = new Channel<number>(() => undefined);
    expect(channel.isObserved).toBe(false);
    const [first, second] = [
      channel.subscribe(() => undefined),
      channel.subscribe(() => undefined),
    ];
    first();
    expect(channel.isObserved).toBe(true);
    second();
    second();
    expect(channel.isObserved).toBe(false);
  });

  it('says when the first subscriber comes and when the last one leaves', () => {
    const channel = new Channel<number>(() => undefined);
    const demand: boolean[] = [];
    channel.onDemand((isObserved) => void demand.push(isObserved));
    const leave = [channel.subscribe(() => undefined), channel.subscribe(() => undefined)];
    expect(demand).toEqual([true]);
    for (const each of leave) each();
    expect(demand).toEqual([true, false]);
  });

  it('passes a message to every subscriber, in the order of their subscriptions', () => {
    const channel = new Channel<number>(() => undefined);
    const heard: string[] = [];
    const leave = channel.subscribe((message) => {
      heard.push(`first ${message}`);
      leave();
    });
    channel.subscribe((message) => heard.push(`second ${message}`));
    channel.publish(1);
    channel.publish(2);
    expect(heard).toEqual(['first 1', 'second 1', 'second 2']);
  });

  it('reports a subscriber that throws, and calls the next one', () => {
    const faults: unknown[] = [];
    const channel = new Channel<number>((error) => faults.push(error));
    const heard: number[] = [];
    const fault = new Error('a bug of a subscriber');
    channel.subscribe(() => {
      throw fault;
    });
    channel.subscribe((message) => heard.push(message));
    channel.publish(1);
    expect([faults, heard]).toEqual([[fault], [1]]);
  });
});

it('two receivers in one process do not observe each other', () => {
  const [one, other] = [createObservations(() => undefined), createObservations(() => undefined)];
  one.began.subscribe(() => undefined);
  expect([one.began.isObserved, one.read.isObserved, other.began.isObserved]).toEqual([
    true,
    false,
    false,
  ]);
});
