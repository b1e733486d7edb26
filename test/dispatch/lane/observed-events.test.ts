import { describe, expect, it } from 'vitest';
import type { Part } from '../../../src/dispatch/lane/entry.js';
import type { Judgment } from '../../../src/dispatch/lane/judge.js';
import { attemptedEvents } from '../../../src/dispatch/lane/observed-events.js';

const part = (id: string): Part => ({ entry: { id } }) as Part;
const judgment = (changes: Partial<Judgment>): Judgment => ({
  settlements: [],
  retries: [],
  retryAfter: 0,
  counts: { delivered: 0, transient: 0, permanent: 0 },
  error: undefined,
  ...changes,
});
const attempt = { at: 1, error: 'busy' };

describe('what an observer hears of an attempt', () => {
  it('is what each event was settled as', () => {
    const settlements = [
      { id: '1', outcome: 'done' },
      { id: '2', outcome: 'retry', attempt },
      { id: '3', outcome: 'dead', attempt },
    ] as const;
    expect(attemptedEvents(['1', '2', '3'].map(part), judgment({ settlements }))).toEqual([
      { id: '1', outcome: 'delivered' },
      { id: '2', outcome: 'transient', error: 'busy' },
      { id: '3', outcome: 'permanent', error: 'busy' },
    ]);
  });

  it('is for now no more than a failure of all, where the batch is halved', () => {
    const batch = ['1', '2', '2'].map(part);
    const retries = [batch.slice(0, 2), batch.slice(2)];
    expect(attemptedEvents(batch, judgment({ retries, error: 'it answered 400' }))).toEqual([
      { id: '1', outcome: 'transient', error: expect.stringContaining('it answered 400') },
      { id: '2', outcome: 'transient', error: expect.stringContaining('it answered 400') },
    ]);
  });
});
