import type { SinkLimit } from '../../limits.js';
import type { Loss } from '../../outbox.js';

/** A side effect of a transaction, in addition to its results. */
export type Notice =
  /** A backlog has risen to a level, in percent of its limit. */
  | {
      readonly kind: 'level';
      readonly sink: string;
      readonly pending: number;
      readonly level: number;
      readonly limit: SinkLimit;
    }
  | { readonly kind: 'lost'; readonly loss: Loss; readonly events: number }
  /** A sink has nothing pending up to this position: its consumer must drop what it has buffered. */
  | { readonly kind: 'void'; readonly sink: string; readonly upTo: number };

/** Collects the notices of the transaction in progress. They take effect once it is committed. */
export class Notices {
  #all: Notice[] = [];

  add(notice: Notice): void {
    this.#all.push(notice);
  }

  /** Returns the collected notices and starts over. */
  take(): readonly Notice[] {
    const all = this.#all;
    if (all.length > 0) this.#all = [];
    return all;
  }
}
