import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { childOf, untilAborted } from '../../src/dispatch/signals.js';

const listeners = ({ signal }: AbortController) => getEventListeners(signal, 'abort').length;

describe('childOf', () => {
  it('aborts with its parent, also one that is aborted already', () => {
    const parent = new AbortController();
    const child = childOf(parent.signal);
    parent.abort('over');
    expect([child.signal.aborted, child.signal.reason]).toEqual([true, 'over']);
    expect(childOf(parent.signal).signal.reason).toBe('over');
  });

  it('aborts alone, and leaves nothing with its parent once released', () => {
    const parent = new AbortController();
    const child = childOf(parent.signal);
    child.abort();
    expect([child.signal.aborted, parent.signal.aborted]).toEqual([true, false]);
    child.release();
    expect(listeners(parent)).toBe(0);
  });
});

describe('untilAborted', () => {
  it('resolves once the signal aborts, also if it has done so before', async () => {
    const parent = new AbortController();
    const later = untilAborted(parent.signal);
    parent.abort();
    await later;
    await untilAborted(parent.signal);
  });
});
