import { type Clock, WAIT_OVER, within, withinTime } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import type { TraceContext } from '../../core/observe.js';
import type { DeliveryResult, Failure, Sink, SinkError, SinkEvent } from '../../sinks/sink.js';
import { errorText } from '../error-text.js';
import { childOf } from '../signals.js';

/** The outcome of one call of `deliver`. */
export type Outcome =
  /** One result per event, in the events' order. */
  | { readonly kind: 'results'; readonly results: readonly DeliveryResult[] }
  /** No event of the batch is known to have been delivered. */
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** The dispatcher aborted the call. This says nothing about the sink. */
  | { readonly kind: 'stopped' };

/** Milliseconds that a sink has to react to its aborted signal. After that its lane continues without it. */
export const ABORT_GRACE = 1_000;

export interface AttemptLimits {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly timeout: number;
  /** Aborts the attempt. The outcome is then `stopped`, unless results still arrive. */
  readonly stop: AbortSignal;
  /** The span of the attempt; undefined if it is not traced. */
  readonly trace?: TraceContext | undefined;
}

/**
 * Makes one attempt at a batch and returns its outcome, at the latest ABORT_GRACE after the timeout or the stop: a sink
 * that ignores its signal must not block its lane forever. Never throws. A SinkError says itself whether it is
 * retryable. Any other thrown error, or a list of results that does not match the batch, is a bug in the sink. It
 * counts as transient, since a bug must not cost events.
 */
export async function attempt(
  sink: Sink,
  batch: readonly SinkEvent[],
  { clock, timeout, stop, trace }: AttemptLimits,
): Promise<Outcome> {
  const ended = new AbortController();
  const limit = childOf(stop);
  void clock.sleep(timeout, ended.signal).then(() => {
    if (!ended.signal.aborted)
      limit.abort(new DOMException('The attempt took too long', 'TimeoutError'));
  });

  const call = async (): Promise<Outcome> => {
    try {
      return checked(await sink.deliver(batch, limit.signal, trace), batch.length);
    } catch (error) {
      // An error from an aborted call describes the abort, not the events.
      if (stop.aborted) return { kind: 'stopped' };
      if (limit.signal.aborted && isSinkError(error) && error.crashed)
        return crashed(`the sink took longer than ${timeout} ms`);
      if (limit.signal.aborted) return transient(`no result after ${timeout} ms`);
      return failed(error);
    }
  };

  try {
    const called = call();
    const outcome = await within(called, limit.signal, () => undefined);
    if (outcome !== undefined) return outcome;
    return await withinTime(called, ABORT_GRACE, clock, () =>
      stop.aborted
        ? { kind: 'stopped' as const }
        : transient(`no result after ${timeout} ms, and it ignored the signal to stop`),
    );
  } finally {
    ended.abort(WAIT_OVER);
    limit.release();
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
    'message' in value &&
    typeof value.message === 'string'
  );
}

function failed(error: unknown): Outcome {
  if (isSinkError(error)) {
    const { crashed, farSide, message, retryable, retryAfter } = error;
    const failure = {
      message: errorText(message),
      ...(farSide !== undefined && { farSide }),
      retryable,
      ...(retryAfter !== undefined && { retryAfter }),
      ...(crashed && { crashed }),
    };
    return { kind: 'failed', failure };
  }
  return transient(errorText(`the sink failed unexpectedly: ${messageOf(error)}`));
}

// Checks the error's shape, because an operator's own sink module cannot import the class.
function isSinkError(
  error: unknown,
): error is Pick<SinkError, 'retryable' | 'retryAfter' | 'farSide' | 'crashed'> & Error {
  return error instanceof Error && 'retryable' in error && typeof error.retryable === 'boolean';
}

function transient(message: string): Outcome {
  return { kind: 'failed', failure: { message, retryable: true } };
}

function crashed(message: string): Outcome {
  return { kind: 'failed', failure: { message, retryable: true, crashed: true } };
}
