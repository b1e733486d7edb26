import { WAIT_OVER } from '../core/clock.js';

export interface ChildSignal {
  readonly signal: AbortSignal;
  /** Without a reason, the abort only ends a wait. */
  abort(reason?: unknown): void;
  /**
   * Removes the listeners on the parents. It must be called, or every child stays attached to parents that live as long
   * as the process.
   */
  release(): void;
}

/**
 * Creates a signal that aborts when one of its parents does, or by itself. `AbortSignal.any` would do the same, but on
 * Node 20 a parent keeps an entry for every signal ever derived from it, and a lane derives one per attempt for months.
 */
export function childOf(...parents: readonly AbortSignal[]): ChildSignal {
  const controller = new AbortController();
  const follow = ({ target }: Event): void => controller.abort((target as AbortSignal).reason);
  const aborted = parents.find((parent) => parent.aborted);
  if (aborted !== undefined) controller.abort(aborted.reason);
  else for (const parent of parents) parent.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    abort: (reason = WAIT_OVER) => controller.abort(reason),
    release: () => {
      for (const parent of parents) parent.removeEventListener('abort', follow);
    },
  };
}

/** Resolves once `signal` aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
