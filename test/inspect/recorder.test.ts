import { describe, expect, it } from 'vitest';
import type { AttemptRecord } from '../../src/inspect/record.js';
import { type AttemptedEvent, type Audience, Recorder } from '../../src/inspect/recorder.js';
import type { Tape } from '../../src/inspect/tape.js';
import { answer, note, start } from './tapes.js';

const RING = { deliveries: 10, memory: 1024 * 1024 };

function audience(listening = false) {
  const heard: string[] = [];
  const self: Audience & { listening: boolean; heard: string[] } = {
    listening,
    heard,
    delivered: (tape) => heard.push(`delivery ${tape.id}`),
    attempted: (tape, attempt) => heard.push(`attempt ${tape.id} ${attempt.outcome}`),
  };
  return self;
}

function deliver(recorder: Recorder, id: string, eventIds: readonly string[] = []): Tape {
  const tape = recorder.begin(start({ id }));
  tape.read(Buffer.from('{}'));
  tape.verified({ holds: true, verifiedBy: 'segment-signature' });
  for (const [index] of eventIds.entries()) tape.event(note({ index }));
  tape.appended(eventIds.map((each) => ({ outcome: 'accepted', id: each })));
  tape.answered(answer());
  return tape;
}

const report = (events: readonly AttemptedEvent[], sink = 'archive') => ({
  sink,
  at: 1_700_000_000_000,
  ms: 1.234,
  events,
});

describe('a recorder', () => {
  it('wants tapes while it keeps deliveries or somebody listens', () => {
    const silent = audience();
    expect(new Recorder({ audience: silent, ring: RING }).wanted).toBe(true);
    const recorder = new Recorder({ audience: silent });
    expect(recorder.wanted).toBe(false);
    silent.listening = true;
    expect(recorder.wanted).toBe(true);
  });

  it('keeps the newest deliveries, and finds them', () => {
    const recorder = new Recorder({ audience: audience(), ring: { ...RING, deliveries: 2 } });
    for (const id of ['a', 'b', 'c']) deliver(recorder, id);
    expect(recorder.kept().map(({ id }) => id)).toEqual(['c', 'b']);
    expect(recorder.find('a')).toBeUndefined();
    expect(recorder.find('b')?.id).toBe('b');
  });

  it('keeps no more bytes than it may, attempts included', () => {
    const recorder = new Recorder({
      audience: audience(),
      ring: { deliveries: 10, memory: 6_000 },
    });
    deliver(recorder, 'a', ['1']);
    deliver(recorder, 'b', ['2']);
    expect(recorder.kept()).toHaveLength(2);
    const error = 'x'.repeat(1_000);
    for (let time = 0; time < 10; time++) {
      recorder.attempted(report([{ id: '2', outcome: 'transient', error }]));
    }
    expect(recorder.kept()).toEqual([]);
  });

  it('shows nothing of what it holds only for those who listen, and drops it with the last of them', () => {
    const listener = audience(true);
    const recorder = new Recorder({ audience: listener });
    deliver(recorder, 'a', ['1']);
    expect([recorder.kept(), recorder.find('a')]).toEqual([[], undefined]);
    recorder.attempted(report([{ id: '1', outcome: 'delivered' }]));
    expect(listener.heard).toEqual(['delivery a', 'attempt a delivered']);
    recorder.unheard();
    recorder.attempted(report([{ id: '1', outcome: 'delivered' }]));
    expect(listener.heard).toHaveLength(2);
  });

  it('drops a delivery that nobody wants any more when it is answered', () => {
    const listener = audience(true);
    const recorder = new Recorder({ audience: listener });
    const tape = recorder.begin(start({ id: 'a' }));
    listener.listening = false;
    tape.answered(answer());
    expect(listener.heard).toEqual([]);
  });

  it('finds the delivery of every attempt, and says what each sink made of its events', () => {
    const recorder = new Recorder({ audience: audience(), ring: RING });
    const a = deliver(recorder, 'a', ['1', '2', '3']);
    const b = deliver(recorder, 'b', ['4']);
    recorder.attempted(
      report([
        { id: '1', outcome: 'delivered' },
        { id: '2', outcome: 'transient', error: 'busy' },
        { id: '3', outcome: 'delivered' },
        { id: '4', outcome: 'permanent', error: 'no' },
        { id: '99', outcome: 'delivered' },
      ]),
    );
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
    recorder.attempted(report([{ id: '2', outcome: 'skipped' }]));
    expect(a.progressOf('archive')).toMatchObject({ delivered: 2, failed: 0, skipped: 1 });
  });

  it('keeps what a sink did before the delivery was answered, and tells of it behind the delivery', () => {
    const listener = audience(true);
    const recorder = new Recorder({ audience: listener, ring: RING });
    recorder.attempted(report([{ id: '1', outcome: 'skipped' }]));
    const tape = recorder.begin(start({ id: 'a' }));
    tape.event(note({ index: 0 }));
    tape.appended([{ outcome: 'accepted', id: '1' }]);
    recorder.attempted(report([{ id: '1', outcome: 'delivered' }], 'other'));
    expect(listener.heard).toEqual([]);
    tape.answered(answer());
    expect(listener.heard).toEqual(['delivery a', 'attempt a skipped', 'attempt a delivered']);
    expect(tape.progressOf('archive')).toMatchObject({ skipped: 1 });
  });

  it('counts a replay for the events that were replayed', () => {
    const recorder = new Recorder({ audience: audience(), ring: RING });
    const tape = deliver(recorder, 'a', ['1', '2']);
    recorder.attempted(report([{ id: '1', outcome: 'permanent', error: 'no' }]));
    recorder.replayed(tape, ['7'], [0]);
    recorder.attempted(report([{ id: '7', outcome: 'delivered' }]));
    expect(tape.progressOf('archive')).toMatchObject({ delivered: 1, dead: 0, pending: 1 });
  });

  it('keeps the newest attempts of a delivery only', () => {
    const recorder = new Recorder({ audience: audience(), ring: { ...RING, memory: 1e9 } });
    const tape = deliver(recorder, 'a', ['1']);
    for (let time = 0; time < 2_003; time++) {
      recorder.attempted(report([{ id: '1', outcome: 'transient', error: String(time) }]));
    }
    expect(tape.attempts).toHaveLength(2_000);
    expect(tape.attemptsDropped).toBe(3);
    expect(tape.attempts.at(-1)?.error).toBe('2002');
  });
});

describe('a tape', () => {
  it('says what became of every event, and keeps 200 of a batch', () => {
    const recorder = new Recorder({ audience: audience(), ring: RING });
    const tape = recorder.begin(start({ id: 'a' }));
    for (let index = 0; index < 300; index++) {
      const outcome = (['accepted', 'quarantined', 'looped'] as const)[index % 3] ?? 'accepted';
      tape.event(note({ index, outcome }));
    }
    tape.appended(
      Array.from({ length: 100 }, (_, at) =>
        at === 0 ? { outcome: 'duplicate' } : { outcome: 'accepted', id: String(at) },
      ),
    );
    tape.answered(answer());
    expect(tape.counts).toEqual({
      all: 300,
      accepted: 99,
      duplicates: 1,
      quarantined: 100,
      looped: 100,
    });
    expect(tape.events).toHaveLength(200);
    expect(tape.events.slice(0, 5).map(({ outcome, eventId }) => [outcome, eventId])).toEqual([
      ['duplicate', undefined],
      ['quarantined', undefined],
      ['looped', undefined],
      ['accepted', '1'],
      ['quarantined', undefined],
    ]);
    expect(tape.progressOf('archive').pending).toBe(99);
  });

  it('says that nothing was taken where the outbox refused the delivery', () => {
    const recorder = new Recorder({ audience: audience(), ring: RING });
    const tape = recorder.begin(start({ id: 'a' }));
    tape.event(note({ index: 0 }));
    tape.event(note({ index: 1, outcome: 'quarantined' }));
    tape.answered(answer({ status: 503 }));
    expect(tape.events.map(({ outcome }) => outcome)).toEqual(['refused', 'refused']);
    expect(tape.counts).toMatchObject({ all: 2, accepted: 0, quarantined: 0 });
  });
});
