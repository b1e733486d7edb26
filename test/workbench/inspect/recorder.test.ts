import { describe, expect, it } from 'vitest';
import type { Observations, ObservedEvent } from '../../../src/core/observe.js';
import type { AttemptRecord } from '../../../src/workbench/inspect/record.js';
import { type Audience, Recorder } from '../../../src/workbench/inspect/recorder.js';
import type { Recording } from '../../../src/workbench/inspect/recording.js';
import { observed } from '../../support/observations.js';
import { observedDelivery } from './recordings.js';

const RING = { deliveries: 10, memory: 1024 * 1024 };

function recorderWith(ring?: typeof RING) {
  const observations = observed();
  const heard: string[] = [];
  const audience: Audience = {
    delivered: (recording) => heard.push(`delivery ${recording.id}`),
    attempted: (recording, attempt) => heard.push(`attempt ${recording.id} ${attempt.outcome}`),
  };
  const recorder = new Recorder({
    observations,
    audience,
    ...(ring === undefined ? {} : { ring }),
  });
  const attempt = (events: readonly ObservedEvent[], sink = 'archive'): void => {
    const counts = { delivered: 0, transient: 0, permanent: 0 };
    const at = 1_700_000_000_000;
    observations.attempted.publish({ sink, at, ms: 1.234, counts, events: () => events });
  };
  const deliver = (id: string, eventIds: readonly string[] = []): void => {
    const delivery = observedDelivery(observations, { id });
    delivery.read(Buffer.from('{}'));
    delivery.verified();
    for (const [index] of eventIds.entries()) delivery.judged({ index });
    delivery.appended(eventIds.map((each) => ({ outcome: 'accepted', id: each })));
    delivery.answered();
  };
  const recorded = (id: string): Recording => {
    const recording = recorder.find(id);
    if (recording === undefined) throw new Error(`${id} is not recorded`);
    return recording;
  };
  return { attempt, deliver, heard, observations, recorded, recorder };
}

const isObserved = (observations: Observations): readonly string[] =>
  Object.entries(observations).flatMap(([name, channel]) => (channel.isObserved ? [name] : []));

const DELIVERY = ['began', 'read', 'verified', 'judged', 'appended', 'answered'];

describe('a recorder', () => {
  it('observes nothing unless it keeps deliveries or somebody listens', () => {
    expect(isObserved(recorderWith(RING).observations)).toEqual([
      ...DELIVERY,
      'attempted',
      'withheld',
    ]);
    const { observations, recorder } = recorderWith();
    expect(isObserved(observations)).toEqual([]);
    recorder.want('listeners', true);
    expect(isObserved(observations)).toEqual([...DELIVERY, 'attempted', 'withheld']);
    recorder.want('listeners', false);
    expect(isObserved(observations)).toEqual([]);
  });

  it('keeps the newest deliveries, and finds them', () => {
    const { deliver, recorder } = recorderWith({ ...RING, deliveries: 2 });
    for (const id of ['a', 'b', 'c']) deliver(id);
    expect(recorder.kept().map(({ id }) => id)).toEqual(['c', 'b']);
    expect(recorder.find('a')).toBeUndefined();
    expect(recorder.find('b')?.id).toBe('b');
  });

  it('keeps no more bytes than it may, attempts included', () => {
    const { attempt, deliver, recorder } = recorderWith({ deliveries: 10, memory: 6_000 });
    deliver('a', ['1']);
    deliver('b', ['2']);
    expect(recorder.kept()).toHaveLength(2);
    const error = 'x'.repeat(1_000);
    for (let time = 0; time < 10; time++) {
      attempt([{ id: '2', outcome: 'transient', error }]);
    }
    expect(recorder.kept()).toEqual([]);
  });

  it('shows nothing of what it holds only for those who listen, and drops it with the last of them', () => {
    const { attempt, deliver, heard, recorder } = recorderWith();
    recorder.want('listeners', true);
    deliver('a', ['1']);
    expect([recorder.kept(), recorder.find('a')]).toEqual([[], undefined]);
    attempt([{ id: '1', outcome: 'delivered' }]);
    expect(heard).toEqual(['delivery a', 'attempt a delivered']);
    recorder.want('listeners', false);
    recorder.want('listeners', true);
    attempt([{ id: '1', outcome: 'delivered' }]);
    expect(heard).toHaveLength(2);
  });

  it('drops a delivery if the last listener leaves before the answer', () => {
    const { heard, observations, recorder } = recorderWith();
    recorder.want('listeners', true);
    const delivery = observedDelivery(observations, { id: 'a' });
    recorder.want('listeners', false);
    recorder.want('listeners', true);
    delivery.answered();
    expect(heard).toEqual([]);
  });

  it('finds the delivery of every attempt, and says what each sink made of its events', () => {
    const { attempt, deliver, observations, recorded } = recorderWith(RING);
    deliver('a', ['1', '2', '3']);
    deliver('b', ['4']);
    const [a, b] = [recorded('a'), recorded('b')];
    attempt([
      { id: '1', outcome: 'delivered' },
      { id: '2', outcome: 'transient', error: 'busy' },
      { id: '3', outcome: 'delivered' },
      { id: '4', outcome: 'permanent', error: 'no' },
      { id: '99', outcome: 'delivered' },
    ]);
    expect(a.attempts).toEqual([
      expect.objectContaining<Partial<AttemptRecord>>({
        outcome: 'delivered',
        eventIds: ['1', '3'],
        ms: 1.23,
      }),
      expect.objectContaining({ outcome: 'transient', eventIds: ['2'], error: 'busy' }),
    ]);
    expect(a.progressOf('archive')).toEqual({
      delivered: 2,
      failed: 1,
      pending: 0,
      skipped: 0,
      dead: 0,
    });
    expect(a.progressOf('other')).toMatchObject({ pending: 3 });
    expect(b.progressOf('archive')).toMatchObject({ dead: 1 });
    observations.withheld.publish({
      sink: 'archive',
      at: 1,
      events: () => [{ id: '2', outcome: 'skipped' }],
    });
    expect(a.progressOf('archive')).toMatchObject({ delivered: 2, failed: 0, skipped: 1 });
  });

  it('keeps what a sink did before the delivery was answered, and tells of it behind the delivery', () => {
    const { attempt, heard, observations, recorded } = recorderWith(RING);
    attempt([{ id: '1', outcome: 'skipped' }]);
    const delivery = observedDelivery(observations, { id: 'a' });
    delivery.judged();
    delivery.appended([{ outcome: 'accepted', id: '1' }]);
    attempt([{ id: '1', outcome: 'delivered' }], 'other');
    expect(heard).toEqual([]);
    delivery.answered();
    expect(heard).toEqual(['delivery a', 'attempt a skipped', 'attempt a delivered']);
    expect(recorded('a').progressOf('archive')).toMatchObject({ skipped: 1 });
  });

  it('counts a replay for the events that were replayed', () => {
    const { attempt, deliver, recorded, recorder } = recorderWith(RING);
    deliver('a', ['1', '2']);
    attempt([{ id: '1', outcome: 'permanent', error: 'no' }]);
    recorder.replayed(recorded('a'), ['7'], [0]);
    attempt([{ id: '7', outcome: 'delivered' }]);
    expect(recorded('a').progressOf('archive')).toMatchObject({
      delivered: 1,
      dead: 0,
      pending: 1,
    });
  });

  it('keeps the newest attempts of a delivery only', () => {
    const { attempt, deliver, recorded } = recorderWith({ ...RING, memory: 1e9 });
    deliver('a', ['1']);
    for (let time = 0; time < 2_003; time++) {
      attempt([{ id: '1', outcome: 'transient', error: String(time) }]);
    }
    const recording = recorded('a');
    expect(recording.attempts).toHaveLength(2_000);
    expect(recording.attemptsDropped).toBe(3);
    expect(recording.attempts.at(-1)?.error).toBe('2002');
  });
});

describe('a recording', () => {
  it('says what became of every event, and keeps 200 of a batch', () => {
    const { observations, recorded } = recorderWith(RING);
    const delivery = observedDelivery(observations, { id: 'a' });
    for (let index = 0; index < 300; index++) {
      const outcome = (['accepted', 'quarantined', 'looped'] as const)[index % 3] ?? 'accepted';
      delivery.judged({ index, outcome });
    }
    delivery.appended(
      Array.from({ length: 100 }, (_, at) =>
        at === 0 ? { outcome: 'duplicate' } : { outcome: 'accepted', id: String(at) },
      ),
    );
    delivery.answered();
    const recording = recorded('a');
    expect(recording.counts).toEqual({
      all: 300,
      accepted: 99,
      duplicates: 1,
      quarantined: 100,
      looped: 100,
    });
    expect(recording.events).toHaveLength(200);
    expect(recording.events.slice(0, 5).map(({ outcome, eventId }) => [outcome, eventId])).toEqual([
      ['duplicate', undefined],
      ['quarantined', undefined],
      ['looped', undefined],
      ['accepted', '1'],
      ['quarantined', undefined],
    ]);
    expect(recording.progressOf('archive').pending).toBe(99);
  });

  it('says that nothing was taken where the outbox refused the delivery', () => {
    const { observations, recorded } = recorderWith(RING);
    const delivery = observedDelivery(observations, { id: 'a' });
    delivery.judged({ index: 0 });
    delivery.judged({ index: 1, outcome: 'quarantined' });
    delivery.answered({ status: 503 });
    const recording = recorded('a');
    expect(recording.events.map(({ outcome }) => outcome)).toEqual(['refused', 'refused']);
    expect(recording.counts).toMatchObject({ all: 2, accepted: 0, quarantined: 0 });
  });
});
