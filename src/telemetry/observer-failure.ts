import type { Log } from './log.js';

/** Logs that an observer of the receiver failed. Only the error's name is logged: its text may quote an event. */
export function logObserverFailure(log: Log, error: unknown): void {
  log.warn(
    { fault: error instanceof Error ? error.name : typeof error },
    'an observer failed; events are unaffected',
  );
}
