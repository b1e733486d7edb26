import { SinkError } from './sink.js';

/** What an attempt fails with whose signal aborted: the timeout ran out, or the receiver is stopping. Worth a retry. */
export function interrupted(signal: AbortSignal): SinkError {
  const late = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
  return new SinkError(
    late ? 'the attempt took longer than the timeout' : 'the attempt was interrupted',
    { retryable: true },
  );
}

/**
 * Begins `work` and settles as it does, or rejects with `interrupted` as soon as `signal` aborts; nothing is begun where
 * it has aborted already. Work that was begun runs on, and whether it had its effect is then not known, which delivering
 * at least once allows.
 */
export async function orInterrupted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw interrupted(signal);
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(interrupted(signal));
    signal.addEventListener('abort', stop, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}
