import type { Fits } from '../../feed.js';
import type { LaneLease } from './lease.js';
import type { OpenEvent } from './partition.js';

/** A lane with this many buffered events is full: reads leave it out. */
const EVENTS = 500;

/** What a lane of a consumer has read and not handed out, and the lease under which it hands out. */
export class Lane {
  lease: LaneLease;
  #buffer: OpenEvent[] = [];
  /** The bytes of the buffered texts. */
  #bytes = 0;
  readonly #most: number;

  /** `most`: bytes of texts at which it is full. */
  constructor(lease: LaneLease, most: number) {
    this.lease = lease;
    this.#most = most;
  }

  get isEmpty(): boolean {
    return this.#buffer.length === 0;
  }

  get isFull(): boolean {
    return this.#buffer.length >= EVENTS || this.#bytes >= this.#most;
  }

  push(event: OpenEvent): void {
    this.#buffer.push(event);
    this.#bytes += weightOf(event);
  }

  /** Takes the next events, at most `max`, up to the first that does not fit, and marks them as claimed. */
  take(max: number, fits: Fits): readonly OpenEvent[] {
    let count = 0;
    for (const event of this.#buffer) {
      if (count >= max || !fits(event.bytes)) break;
      count += 1;
    }
    const taken = this.#buffer.splice(0, count);
    for (const event of taken) {
      this.#bytes -= weightOf(event);
      event.state = 'claimed';
    }
    return taken;
  }

  /** Puts back the events that were taken last. */
  putBack(events: readonly OpenEvent[]): void {
    for (const event of events) {
      event.state = 'buffered';
      this.#bytes += weightOf(event);
    }
    this.#buffer.unshift(...events);
  }

  /** Removes what is not to be kept. */
  keep(isKept: (event: OpenEvent) => boolean): void {
    this.#buffer = this.#buffer.filter(isKept);
    this.#bytes = this.#buffer.reduce((sum, event) => sum + weightOf(event), 0);
  }

  clear(): void {
    this.#buffer = [];
    this.#bytes = 0;
  }
}

function weightOf({ bytes, json }: OpenEvent): number {
  return json === null ? 0 : bytes;
}
