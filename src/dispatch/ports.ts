import type { Clock } from '../core/clock.js';
import type { Observations } from '../core/observe.js';

/** The structured logger that the dispatcher needs. pino's fits. */
export interface DispatchLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What the dispatcher publishes. */
export type DispatchObservations = Pick<
  Observations,
  'attempting' | 'attempted' | 'withheld' | 'settled' | 'circuitOpened'
>;

/** What every part of the dispatcher receives. */
export interface DispatchPorts {
  readonly clock: Clock;
  readonly log: DispatchLog;
  readonly observations: DispatchObservations;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/**
 * The stages of a stop. `soft`: claim nothing more and finish what is held. `hard`: abort attempts; whatever is not
 * settled stays pending in the outbox.
 */
export interface StopSignals {
  readonly soft: AbortSignal;
  readonly hard: AbortSignal;
}
