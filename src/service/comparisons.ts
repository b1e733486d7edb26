import type { Config } from '../config/config.js';
import type { Outbox } from '../outbox/outbox.js';
import type { ReceiverOutbox } from '../outbox/remote/client.js';
import { createParity, type Parity, type ParityDeps } from '../parity/parity.js';
import { recordedAppend } from '../parity/recorded-intake.js';

/** The outbox as receivers see it, with its name. */
export type NamedIntake = ReceiverOutbox & { readonly id: string };

/**
 * Creates the comparisons of a configuration, if it has any, and the outbox through which receivers append: it records
 * for the comparisons what every receiver of this process and of its workers appends.
 */
export function createComparisons(
  config: Config,
  outbox: Outbox,
  deps: Pick<ParityDeps, 'clock' | 'log'>,
): { readonly intake: NamedIntake; readonly parity: Parity | undefined } {
  if (config.parity === undefined) return { intake: outbox, parity: undefined };
  const outboxPath = config.outbox.type === 'sqlite' ? config.outbox.path : '';
  const parity = createParity({ ...deps, comparisons: config.parity, outboxPath });
  const intake: NamedIntake = {
    // The store has no name before it is open.
    get id() {
      return outbox.id;
    },
    append: recordedAppend(outbox, parity),
    probe: () => outbox.probe(),
    settled: (ids, signal) => outbox.settled(ids, signal),
  };
  return { intake, parity };
}
