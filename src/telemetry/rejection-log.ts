import { type Clock, every } from '../core/clock.js';
import type { Log } from './log.js';

/**
 * The number of lines per kind and minute that are written in full. The rest are counted and summarized in one line.
 */
const IN_FULL = 10;
const WINDOW = 60_000;

type RejectionLevel = 'warn' | 'error';

export interface RejectionLine {
  readonly level: RejectionLevel;
  /** The kind of line: one of few values, none chosen by a sender. */
  readonly kind: string;
  /** Fields that all lines of a kind share. */
  readonly shared: object;
  readonly own: object;
  readonly text: string;
}

interface Kind {
  written: number;
  counted: number;
  level: RejectionLevel;
  shared: object;
  text: string;
}

/**
 * Log lines that anyone can cause by sending a request. Without a limit, one unauthenticated sender writes 68 MB of
 * them in a quarter of an hour and buries everything else.
 */
export class RejectionLog {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #log: Pick<Log, RejectionLevel>;
  readonly #kinds = new Map<string, Kind>();
  #beganAt: number;
  #stop: (() => void) | undefined;

  constructor(clock: Pick<Clock, 'monotonic'>, log: Pick<Log, RejectionLevel>) {
    this.#clock = clock;
    this.#log = log;
    this.#beganAt = clock.monotonic();
  }

  start(): void {
    this.#stop ??= every(WINDOW, () => this.flush());
  }

  /** Writes the remaining summaries. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.flush();
  }

  /** Writes a line, or counts it. */
  write({ level, kind, shared, own, text }: RejectionLine): void {
    if (this.#clock.monotonic() - this.#beganAt >= WINDOW) this.flush();
    let known = this.#kinds.get(kind);
    if (known === undefined) {
      known = { written: 0, counted: 0, level, shared, text };
      this.#kinds.set(kind, known);
    }
    if (known.written < IN_FULL) {
      known.written++;
      this.#log[level]({ ...shared, ...own }, text);
      return;
    }
    Object.assign(known, { level, shared, text });
    known.counted++;
  }

  /** Ends the minute. Called by the timer that `start` starts. */
  flush(): void {
    const seconds = Math.round((this.#clock.monotonic() - this.#beganAt) / 1000);
    for (const { counted, level, shared, text } of this.#kinds.values()) {
      if (counted === 0) continue;
      const more = `${counted} more like this in ${seconds} s, the last: ${text}`;
      this.#log[level]({ ...shared, repeated: counted, seconds }, more);
    }
    this.#kinds.clear();
    this.#beganAt = this.#clock.monotonic();
  }
}
