import type { Intake } from '../outbox/intake.js';
import type { Parity } from './parity.js';

/**
 * Returns an `append` that also records what was appended for the comparisons, duplicates included. It records after the
 * outbox has accepted and before the sender gets its answer: a process that is killed in between has not answered, and
 * the sender's retry, a duplicate by then, is recorded.
 */
export function recordedAppend(
  intake: Pick<Intake, 'append'>,
  parity: Pick<Parity, 'record'>,
): Intake['append'] {
  return async (delivery, signal) => {
    const results = await intake.append(delivery, signal);
    await parity.record(delivery.events);
    return results;
  };
}
