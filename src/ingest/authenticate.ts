import { within } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import { budgetSpent } from '../http/deadline.js';
import type { Delivery, Source } from '../sources/source.js';
import type { Verification } from '../verify/combine.js';
import type { SignedHead } from '../verify/verifier.js';
import type { DeliveryWatch } from './authentication-watch.js';
import { LARGE, type Turns } from './turns.js';

/**
 * Throws UNAUTHENTICATED if the head alone shows it, so that a stranger's large body is neither read nor decompressed.
 */
export function rejectByHead(
  source: Source,
  head: SignedHead,
  signal: AbortSignal,
  watch: Pick<DeliveryWatch, 'failed'>,
): void {
  if (source.config.onUnauthenticated !== 'reject') return;
  const reason = source.rejectedByHead?.(head, signal);
  if (reason === undefined) return;
  watch.failed();
  throw new TrackbridgeError('UNAUTHENTICATED', reason);
}

/** Verifies a delivery. A large one waits for its turn. */
export function verify(
  source: Source,
  delivery: Delivery,
  turns: Turns,
  signal: AbortSignal,
): Verification | Promise<Verification> {
  if (!isLarge(delivery)) return bounded(source.verify(delivery, signal), signal);
  // The turn covers only the computation on this thread. A scheme that waits for its keys must not block the others.
  const begun = inTurn(delivery, turns, signal, () => ({
    verification: source.verify(delivery, signal),
  }));
  return begun instanceof Promise
    ? begun.then(({ verification }) => bounded(verification, signal))
    : bounded(begun.verification, signal);
}

/** Runs work whose cost grows with the size of a delivery that is not authenticated yet. */
export function inTurn<T>(
  delivery: Delivery,
  turns: Turns,
  signal: AbortSignal,
  work: () => T | Promise<T>,
): T | Promise<T> {
  if (!isLarge(delivery)) return work();
  return turns.take(signal).then(async (end) => {
    try {
      return await work();
    } finally {
      end();
    }
  });
}

function isLarge({ body, query }: Delivery): boolean {
  return body.length > LARGE || query.length > LARGE;
}

/**
 * Limits the wait for asynchronous work. It may wait for a thread that is blocked by a dead disk, which no signal
 * reaches.
 */
export function bounded<T>(work: T | Promise<T>, signal: AbortSignal): T | Promise<T> {
  if (!(work instanceof Promise)) return work;
  return within(work, signal, () => {
    throw budgetSpent('checking and decoding the delivery');
  });
}
