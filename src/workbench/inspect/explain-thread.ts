import { TrackbridgeError } from '../../core/errors.js';
import { startWorker } from '../../core/worker.js';
import type { DeliveryExplanation, DeliveryToExplain } from './explain-delivery.js';

/** The search itself is bounded to about four seconds on an idle machine. */
const LONGEST = 25_000;

/**
 * Explains a delivery on its own thread, which ends afterward. Rejects with OUTBOX_UNAVAILABLE if that takes too long
 * or the thread fails; `signal` ends it.
 */
export function explainOnThread(
  delivery: DeliveryToExplain,
  signal: AbortSignal,
): Promise<DeliveryExplanation> {
  const worker = startWorker(new URL('./explain-worker.js', import.meta.url), {
    workerData: delivery,
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  });
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
