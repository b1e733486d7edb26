import { describe, expect, it } from 'vitest';
import type { AttemptRecord } from '../../../../src/workbench/inspect/record.js';
import { type Audience, Recorder } from '../../../../src/workbench/inspect/recorder.js';
import { Recording } from '../../../../src/workbench/inspect/recording.js';
import { observed } from '../../../support/observations.js';
import { answer, start } from '../recordings.js';

const IDS = ['01', '02', '03'].map((end) => `01a1fcb7-0000-7000-8000-0000000000${end}`);

function recorderOf(member: string, keeps = true) {
  const observations = observed();
  const heard: string[] = [];
  const audience: Audience = {
    delivered: ({ id }) => heard.push(`delivery ${id.slice(-2)}`),
    attempted: ({ id }, attempt, isOwn) =>
      heard.push(`${isOwn ? 'own' : 'other'} attempt ${id.slice(-2)} by ${attempt.member}`),
    replayed: ({ id }, _ids, _positions, isOwn) =>
      heard.push(`${isOwn ? 'own' : 'other'} replay ${id.slice(-2)}`),
  };
  const ring = { deliveries: 10, memory: 1_000_000 };
  const recorder = new Recorder({ observations, audience, member, ...(keeps && { ring }) });
  const attempt = (id: string): void => {
    const counts = { delivered: 1, transient: 0, permanent: 0 };
    const events = () => [{ id, outcome: 'delivered' }] as const;
    observations.attempted.publish({ sink: 'archive', at: 0, ms: 1, counts, events });
  };
  return { attempt, heard, observations, recorder };
}

/** A delivery of another member with two accepted events. */
function others(id = IDS[0] ?? '', eventIds = ['7', '9']): Recording {
  return Recording.restored({
    start: start({ id, member: 'first' }),
    origin: { bodyBytes: 2, isCut: false, isHidden: false, isWhole: true, isExact: true },
    body: Buffer.from('{}'),
    verification: undefined,
    answer: answer(),
    first: undefined,
    counts: { all: 2, accepted: 2, duplicates: 0, quarantined: 0, looped: 0 },
    events: [],
    eventIds,
  });
}

const ATTEMPT: AttemptRecord = {
  at: '2026-01-01T00:00:00.000Z',
  member: 'third',
  sink: 'archive',
  eventIds: ['9', 'unknown'],
  ms: 1,
  outcome: 'delivered',
};

describe('a recorder of one of several members', () => {
  it('finds the delivery of another member for its own attempts, also for earlier ones', () => {
    const { attempt, heard, recorder } = recorderOf('second');
    attempt('7');
    const recording = others();
    recorder.adopt(recording, true);
    attempt('9');
    expect(heard).toEqual(['delivery 01', 'own attempt 01 by second', 'own attempt 01 by second']);
    expect(recorder.find(recording.id)?.progressOf('archive')).toMatchObject({
      delivered: 2,
      pending: 0,
    });
    recorder.adopt(others(), true);
    expect(heard).toHaveLength(3);
  });

  it('adds the attempts and replays of others, and tells of attempts only', () => {
    const { heard, recorder } = recorderOf('second');
    const recording = others();
    recorder.adopt(recording, true);
    recorder.adoptAttempt(recording.id, ATTEMPT, true);
    recorder.adoptAttempt('unknown', ATTEMPT, true);
    expect(heard).toEqual(['delivery 01', 'other attempt 01 by third']);
    expect(recording.progressOf('archive')).toMatchObject({ delivered: 1, pending: 1 });
    recorder.adoptReplay(recording.id, ['20'], [0]);
    recorder.adoptAttempt(recording.id, { ...ATTEMPT, eventIds: ['20'] }, true);
    expect(recording.progressOf('archive')).toMatchObject({ delivered: 2, pending: 0 });
    recorder.replayed(recording, ['21'], [1]);
    expect(heard.at(-1)).toBe('own replay 01');
  });

  it('adds what was recorded before without telling of it, in the order of arrival', () => {
    const { heard, recorder } = recorderOf('second');
    for (const at of [1, 0, 2]) recorder.adopt(others(IDS[at], [`e${at}`]), false);
    expect(heard).toEqual([]);
    expect(recorder.kept().map(({ id }) => id)).toEqual(IDS.toReversed());
  });

  it('records while another member wants to see it, and forgets it afterwards', () => {
    const { heard, observations, recorder } = recorderOf('second', false);
    recorder.adopt(others(), true);
    expect(heard).toEqual([]);
    recorder.want('members', true);
    recorder.want('listeners', true);
    recorder.want('listeners', false);
    expect(observations.began.isObserved).toBe(true);
    recorder.adopt(others(), true);
    expect(heard).toEqual(['delivery 01']);
    recorder.want('members', false);
    expect(observations.began.isObserved).toBe(false);
  });
});
