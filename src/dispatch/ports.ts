import type { Clock } from '../clock.js';

/** What a structured logger looks like from here; pino's fits. */
export interface DispatchLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What the dispatcher counts. An event a transform multiplied is attempted several times and settled once. */
export interface DispatchMetrics {
  attempt(sink: string, outcome: 'delivered' | 'transient' | 'permanent', events: number): void;
  deadLetter(sink: string, events: number): void;
  circuitOpened(sink: string): void;
}

/** What became of an event in one attempt; `skipped`: the sink did not want it. */
export interface ObservedEvent {
  /** The outbox's id. */
  readonly id: string;
  readonly outcome: 'delivered' | 'transient' | 'permanent' | 'skipped';
  readonly error?: string;
}

/** Told of every attempt as it ends, and of what is not sent. Neither throws nor waits. */
export interface AttemptObserver {
  /** Asked first: nothing is put together while nobody looks. */
  readonly wanted: boolean;
  /** `at`: when it ended, milliseconds since the epoch. */
  attempted(report: {
    readonly sink: string;
    readonly at: number;
    readonly ms: number;
    readonly events: readonly ObservedEvent[];
  }): void;
}

/** What every part of the dispatcher is handed. */
export interface DispatchPorts {
  readonly clock: Clock;
  readonly log: DispatchLog;
  readonly metrics: DispatchMetrics;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly observer?: AttemptObserver;
}

/**
 * How far a stop has come. `soft`: claim nothing more, finish what is held. `hard`: abort attempts; whatever is not
 * settled stays pending in the outbox.
 */
export interface StopSignals {
  readonly soft: AbortSignal;
  readonly hard: AbortSignal;
}
