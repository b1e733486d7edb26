import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { DeliveryResult, Sink, SinkError, SinkEvent } from '../sinks/sink.js';
import { oneLine } from './one-line.js';
import { childOf } from './signals.js';

/** How one call of `deliver` ended. */
export type Outcome =
  /** One result an event, in their order. */
  | { readonly kind: 'results'; readonly results: readonly DeliveryResult[] }
  /** Nothing of the batch is known to have arrived. */
  | {
      readonly kind: 'failed';
      readonly retryable: boolean;
      readonly retryAfter: number | undefined;
      readonly error: string;
      /** What the far side said: for the dead letter, not for the log. */
      readonly excerpt?: string;
    }
  /** The dispatcher stopped it: says nothing about the sink. */
  | { readonly kind: 'stopped' };

/** Milliseconds that a sink has to notice its aborted signal before its lane goes on without it. */
export const ABORT_GRACE = 1_000;

export interface AttemptLimits {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly timeout: number;
  /** Ends the attempt; the outcome is then `stopped`, unless results still arrive. */
  readonly stop: AbortSignal;
}

/**
 * Makes one attempt at a batch and says how it ended, at the latest ABORT_GRACE after the timeout or the stop: a sink
 * that ignores its signal must not hold its lane for ever. Never throws. A SinkError decides by itself whether it is
 * worth another try; anything else that was thrown, and a list of results that does not fit the batch, is a fault in the
 * sink and counts as transient, since such a fault must not cost events.
 */
export async function attempt(
  sink: Sink,
  batch: readonly SinkEvent[],
  { clock, timeout, stop }: AttemptLimits,
): Promise<Outcome> {
  const ended = new AbortController();
  const abort = new AbortController();
  const timer = childOf(stop);
  let late = false;

  const limit = async (): Promise<Outcome> => {
    await clock.sleep(timeout, timer.signal);
    if (ended.signal.aborted) return { kind: 'stopped' };
    late = !stop.aborted;
    abort.abort(late ? new DOMException('The attempt took too long', 'TimeoutError') : undefined);
    await clock.sleep(ABORT_GRACE, ended.signal);
    if (!late) return { kind: 'stopped' };
    return transient(`no result after ${timeout} ms, and it did not stop when told to`);
  };

  const call = async (): Promise<Outcome> => {
    try {
      return checked(await sink.deliver(batch, abort.signal), batch.length);
    } catch (error) {
      // What an aborted call throws tells how it was stopped, not what is wrong with the events.
      if (stop.aborted) return { kind: 'stopped' };
      if (late) return transient(`no result after ${timeout} ms`);
      return failure(error);
    }
  };

  try {
    return await Promise.race([call(), limit()]);
  } finally {
    ended.abort();
    timer.abort();
    timer.release();
  }
}

function checked(results: readonly DeliveryResult[], expected: number): Outcome {
  if (!Array.isArray(results) || results.length !== expected || !results.every(isResult)) {
    return transient(`the sink did not return one result for each of ${expected} events`);
  }
  return { kind: 'results', results };
}

function isResult(value: unknown): value is DeliveryResult {
  if (typeof value !== 'object' || value === null || !('ok' in value)) return false;
  if (value.ok === true) return true;
  return (
    value.ok === false &&
    'retryable' in value &&
    typeof value.retryable === 'boolean' &&
    'error' in value &&
    typeof value.error === 'string'
  );
}

function failure(error: unknown): Outcome {
  if (isSinkError(error)) {
    const { retryable, retryAfter, message, excerpt } = error;
    const failed = { kind: 'failed', retryable, retryAfter, error: oneLine(message) } as const;
    return excerpt === undefined ? failed : { ...failed, excerpt };
  }
  return transient(oneLine(`the sink failed unexpectedly: ${messageOf(error)}`));
}

// By its shape: an operator's own sink module cannot import the class.
function isSinkError(
  error: unknown,
): error is Pick<SinkError, 'retryable' | 'retryAfter' | 'excerpt'> & Error {
  return error instanceof Error && 'retryable' in error && typeof error.retryable === 'boolean';
}

function transient(error: string): Outcome {
  return { kind: 'failed', retryable: true, retryAfter: undefined, error };
}
