import type { SinkConfig } from '../../config/config.js';
import type { Clock } from '../../core/clock.js';
import type { Attempt, Settlement } from '../../outbox/feed.js';
import type { Failure } from '../../sinks/sink.js';
import { errorText } from '../error-text.js';
import { type Entry, MOST_CRASHES } from './entry.js';

/**
 * Counts one more retryable failure of an event. The event becomes a dead letter if its first failure is `giveUpAfter`
 * ago, or if it has crashed the operator's own code as often as an event may.
 */
export function failedOnce(
  entry: Entry,
  failure: Failure,
  { retry, clock }: { readonly retry: SinkConfig['retry']; readonly clock: Clock },
): Settlement {
  entry.failures++;
  entry.firstFailure ??= clock.monotonic();
  if (failure.crashed) entry.crashes++;
  const age = clock.monotonic() - entry.firstFailure;
  if (failure.crashed && entry.crashes >= MOST_CRASHES) {
    const message = `${failure.message}; given up after ${entry.crashes} such attempts`;
    return dead(entry, { ...failure, message }, clock);
  }
  if (age >= retry.giveUpAfter) {
    const message = `given up after ${Math.round(age / 1000)} s: ${failure.message}`;
    return dead(entry, { ...failure, message }, clock);
  }
  return { id: entry.id, outcome: 'retry', attempt: failedNow(failure, clock) };
}

/** Turns an event into a dead letter for this failure. */
export function dead(entry: Entry, failure: Failure, clock: Clock): Settlement {
  entry.settled = true;
  return { id: entry.id, outcome: 'dead', attempt: failedNow(failure, clock) };
}

function failedNow({ crashed, farSide, message }: Failure, clock: Clock): Attempt {
  return {
    at: clock.now(),
    error: errorText(message),
    ...(farSide !== undefined && { farSide: errorText(farSide) }),
    ...(crashed && { crashed }),
  };
}
