import type { Clock } from '../core/clock.js';
import type { Loss, OutboxLog, OutboxObserver } from './outbox.js';

/**
 * The minimum time between two log lines about the same loss, in milliseconds: at a limit, every delivery causes a
 * loss.
 */
const REPEAT = 60_000;

interface Told {
  readonly loss: Loss;
  /** Not logged yet. */
  events: number;
  /** When the last line was logged, on the monotonic clock. */
  at: number | undefined;
}

/** Counts every loss and logs it: the first at once, then one line per minute with the number of losses. */
export class LossReport {
  readonly #clock: Clock;
  readonly #log: OutboxLog;
  readonly #observer: OutboxObserver | undefined;
  readonly #told = new Map<string, Told>();

  constructor(clock: Clock, log: OutboxLog, observer: OutboxObserver | undefined) {
    this.#clock = clock;
    this.#log = log;
    this.#observer = observer;
  }

  note(loss: Loss, events: number): void {
    if (events === 0) return;
    this.#observer?.lost(loss, events);
    const key = JSON.stringify(loss);
    const told = this.#told.get(key) ?? { loss, events: 0, at: undefined };
    told.events += events;
    this.#told.set(key, told);
    this.#tell(told);
  }

  /** An operator has purged the backlog of a sink. Logged at once, since purges are rare. */
  purged(name: string, events: number): void {
    if (events === 0) return;
    const loss = { what: 'discarded', name } as const;
    this.#observer?.lost(loss, events);
    this.#log.warn(
      { ...loss, events },
      `an operator purged sink ${name}: ${counted(events, 'pending event')} discarded`,
    );
  }

  /** Logs the lines that are due. */
  check(): void {
    for (const told of this.#told.values()) this.#tell(told);
  }

  #tell(told: Told): void {
    const now = this.#clock.monotonic();
    if (told.events === 0 || (told.at !== undefined && now - told.at < REPEAT)) return;
    const { loss, events } = told;
    this.#log.warn({ ...loss, events }, textOf(loss, events));
    told.events = 0;
    told.at = now;
  }
}

function textOf(loss: Loss, events: number): string {
  const { name } = loss;
  switch (loss.what) {
    case 'discarded':
      return `sink ${name} is at its limit (full: drop-oldest): ${counted(events, 'pending event')} discarded, the oldest first`;
    case 'dead-lettered':
      return `sink ${name} is at its limit (full: dead-letter): ${counted(events, 'pending event')} became dead letters, the oldest first`;
    case 'quarantine':
      return `${counted(events, 'quarantined event')} of source ${name} dropped by ${boundOf(loss)}; see trackbridge quarantine`;
    case 'deadLetters':
      return `${counted(events, 'dead letter')} of sink ${name} dropped by ${boundOf(loss)}; see trackbridge dead-letters`;
  }
}

function boundOf({ what, bound }: Extract<Loss, { bound: string }>): string {
  return `outbox.${what}.${bound} (${bound === 'max' ? 'too many' : 'too old'})`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
