import { Worker } from 'node:worker_threads';
import { TrackbridgeError } from '../errors.js';
import type { DeliveryExplanation, DeliveryToExplain } from './explain-delivery.js';

/** The search itself is bounded to some four seconds on a machine of its own. */
const LONGEST = 25_000;

/**
 * Explains a delivery on a thread of its own, which ends with it. Rejects with OUTBOX_UNAVAILABLE where that takes too long
 * or the thread fails; `signal` ends it.
 */
export function explainOnThread(
  delivery: DeliveryToExplain,
  signal: AbortSignal,
): Promise<DeliveryExplanation> {
  const worker = startWorker(delivery);
  return new Promise<DeliveryExplanation>((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new TrackbridgeError('OUTBOX_UNAVAILABLE', `the signature was not explained: ${why}`));
    const timer = setTimeout(() => fail('it took too long'), LONGEST).unref();
    const stop = (): void => fail('the receiver is stopping');
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    worker.once('message', resolve);
    worker.once('error', () => fail('its thread failed'));
    worker.once('exit', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      fail('its thread ended');
    });
  }).finally(() => void worker.terminate());
}

function startWorker(workerData: DeliveryToExplain): Worker {
  if (!import.meta.url.endsWith('.ts')) {
    const resourceLimits = { maxOldGenerationSizeMb: 256 };
    return new Worker(new URL('./explain-worker.js', import.meta.url), {
      workerData,
      resourceLimits,
    });
  }
  // Run from the sources, as tests do: see the outbox's thread.
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const entry = JSON.stringify(new URL('./explain-worker.ts', import.meta.url).href);
  const code = `import(${tsx}).then((tsx) => { tsx.register(); return import(${entry}); })`;
  return new Worker(code, { eval: true, execArgv: [], workerData });
}
