import type { Clock } from '../clock.js';
import type { Child } from './child.js';

/** It is looked this often during the shortest patience whether the child shows a sign of life. */
const LOOKS = 4;

export interface WatchOptions {
  readonly clock: Clock;
  /** The shortest time in milliseconds that `patience` returns. */
  readonly shortest: number;
  /** How long the child may show no sign of life as things are, milliseconds; undefined where nothing is under way. */
  readonly patience: () => number | undefined;
  readonly stop: AbortSignal;
}

/**
 * Ends a child whose event loop is blocked: one that says nothing, and answers nothing, for as long as it may. Resolves when
 * nothing is under way, the child has ended, or `stop` aborts.
 *
 * The time is counted in looks, not read off a clock: if this process is held up itself, that is one look.
 */
export async function watchChild(child: Child, options: WatchOptions): Promise<void> {
  const { clock, patience, shortest, stop } = options;
  const slice = shortest / LOOKS;
  let { signs } = child;
  let quiet = 0;
  for (let allowed = patience(); allowed !== undefined && child.alive; allowed = patience()) {
    if (stop.aborted) return;
    const alive = await child.answers(slice);
    quiet = alive || child.signs !== signs ? 0 : quiet + 1;
    signs = child.signs;
    if (quiet * slice >= allowed) child.kill(`took longer than ${allowed} ms`);
    if (alive) await clock.sleep(slice, stop);
  }
}
