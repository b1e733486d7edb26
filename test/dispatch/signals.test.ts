import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { childOf, unlessAborted } from '../../src/dispatch/signals.js';

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

describe('unlessAborted', () => {
  it('settles as the work does, and lets go of the signal', async () => {
    const controller = new AbortController();
    expect(await unlessAborted(Promise.resolve(7), controller.signal)).toBe(7);
    const failing = unlessAborted(Promise.reject(new Error('no')), controller.signal);
    await expect(failing).rejects.toThrow('no');
    expect(listeners(controller)).toBe(0);
  });

  it('is undefined once the signal aborts, and what the work throws later is nobody’s', async () => {
    const controller = new AbortController();
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const waiting = unlessAborted(work, controller.signal);
    controller.abort();
    expect(await waiting).toBeUndefined();
    fail(new Error('late'));
    expect(await unlessAborted(Promise.resolve(7), controller.signal)).toBeUndefined();
  });
});
