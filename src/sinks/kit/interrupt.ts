import { within } from '../../core/clock.js';
import { SinkError } from '../sink.js';

/** Returns the error of an attempt whose signal aborted: the timeout expired or the receiver is stopping. Retryable. */
export function interrupted(signal: AbortSignal): SinkError {
  const late = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
  return new SinkError(
    late ? 'the attempt took longer than the timeout' : 'the attempt was interrupted',
    { retryable: true },
  );
}

/**
 * Starts `work` and settles as it does, or rejects with `interrupted` as soon as `signal` aborts. Nothing is started if
 * it has aborted already. Work that was started continues, and whether it had its effect is then unknown, which
 * at-least-once delivery allows.
 */
export async function orInterrupted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw interrupted(signal);
  return within(work(), signal, () => {
    throw interrupted(signal);
  });
}
