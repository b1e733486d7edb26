import { describe, expect, it } from 'vitest';
import { createMask } from '../../../../src/workbench/inspect/mask.js';
import type { AttemptRecord } from '../../../../src/workbench/inspect/record.js';
import { Recording } from '../../../../src/workbench/inspect/recording.js';
import { type SharedEntry, thaw } from '../../../../src/workbench/inspect/shared/frozen.js';
import { Outgoing } from '../../../../src/workbench/inspect/shared/outgoing.js';
import { createView } from '../../../../src/workbench/inspect/view.js';
import { answer, judged, start } from '../recordings.js';

const ATTEMPT: AttemptRecord = {
  at: '2026-01-01T00:00:00.000Z',
  sink: 'archive',
  eventIds: ['e'],
  ms: 1,
  outcome: 'delivered',
};

function outgoing(isWanted = true) {
  const view = createView({ mask: createMask([]), redact: [], sinks: [], sources: {} });
  const dropped: number[] = [];
  const made = new Outgoing({
    view,
    member: 'first',
    isWanted: () => isWanted,
    onDropped: (entries) => dropped.push(entries),
  });
  const take = (): SharedEntry[] => made.take().map((text) => JSON.parse(text) as SharedEntry);
  return { dropped, outgoing: made, take };
}

function delivery(id: string): Recording {
  const recording = new Recording(start({ id }));
  recording.read(Buffer.from('{}'));
  recording.judged(judged());
  recording.appended([{ outcome: 'accepted', id: 'e' }]);
  recording.answered(answer());
  return recording;
}

describe('what a member tells the others', () => {
  it('is nothing while nobody wants to know', () => {
    const { outgoing: made, take } = outgoing(false);
    const recording = delivery('a');
    made.delivered(recording);
    made.attempted(recording, ATTEMPT, true);
    expect(take()).toEqual([]);
  });

  it('is its deliveries and its attempts, in order, and not those of others', () => {
    const { outgoing: made, take } = outgoing();
    const recording = delivery('a');
    made.delivered(recording);
    made.attempted(recording, ATTEMPT, true);
    made.attempted(recording, ATTEMPT, false);
    const [first, second, ...more] = take();
    expect(first).toMatchObject({ delivery: { record: { id: 'a' }, eventIds: ['e'] } });
    expect(second).toEqual({ attempt: ATTEMPT, id: 'a' });
    expect(more).toEqual([]);
    if (first === undefined || !('delivery' in first)) throw new Error('a delivery was expected');
    const others = thaw(first.delivery);
    made.delivered(others);
    made.attempted(others, ATTEMPT, true);
    expect(take()).toEqual([{ attempt: ATTEMPT, id: 'a' }]);
  });

  it('is limited in rate and number, and what is dropped is counted and told', () => {
    const { dropped, outgoing: made, take } = outgoing();
    const recordings = Array.from({ length: 600 }, (_, at) => delivery(`d${at}`));
    for (const recording of recordings) made.delivered(recording);
    expect(dropped).toHaveLength(100);
    const turn = take();
    expect(turn).toHaveLength(21);
    expect(turn.at(-1)).toEqual({ dropped: 100, member: 'first' });
    expect(take()).toHaveLength(20);
    // The others do not know this delivery, so its attempts say nothing to them.
    const last = recordings.at(-1);
    if (last !== undefined) made.attempted(last, ATTEMPT, true);
    const rest: SharedEntry[] = [];
    for (let some = take(); some.length > 0; some = take()) rest.push(...some);
    expect(rest.every((entry) => 'delivery' in entry)).toBe(true);
    expect(rest).toHaveLength(460);
  });
});
