import type { Clock } from '../clock.js';
import { type BufferedEvent, LaneCursors } from './lane-cursors.js';
import type { Claimed, Consumer, Settlement } from './outbox.js';
import type { PositionSettlement, Scan, ScanRequest } from './sqlite-messages.js';

/** How long to let a store rest that could not be read, milliseconds. */
const READ_PAUSE = 1_000;

/** An event just written, for consumers that are waiting for exactly that. */
export type FreshEvent = BufferedEvent & { readonly hash: number };

export interface ConsumerDeps {
  readonly clock: Clock;
  /** The position of the newest event in the store. */
  readonly tail: () => number;
  readonly scan: (request: ScanRequest) => Promise<Scan>;
  readonly settle: (sink: string, settlements: readonly PositionSettlement[]) => Promise<unknown>;
  readonly onClose: () => void;
}

/** One sink's way through the store. Reads ahead for all its lanes, and knows what it has handed out. */
export class SqliteConsumer implements Consumer {
  readonly #sink: string;
  readonly #lanes: number;
  readonly #deps: ConsumerDeps;
  readonly #cursors: LaneCursors;
  /** What was claimed and is not settled; true where the store knows of a failed attempt. */
  readonly #claimed = new Map<number, boolean>();
  readonly #waiting = new Map<number, Set<() => void>>();
  readonly #settling = new Set<Promise<unknown>>();
  readonly #closed = new AbortController();
  #reading: Promise<void> | undefined;
  #feeding: Promise<void> | undefined;

  constructor(sink: string, lanes: number, deps: ConsumerDeps) {
    this.#sink = sink;
    this.#lanes = lanes;
    this.#deps = deps;
    // The store knows from where on the sink has something open, and starts there.
    this.#cursors = new LaneCursors(lanes, 0);
  }

  async claim(lane: number, max: number): Promise<readonly Claimed[]> {
    while (this.#wants(lane)) await this.#read(lane);
    if (this.#closed.signal.aborted) return [];
    return this.#cursors.shift(lane, max).map(({ position, ...event }) => {
      this.#claimed.set(position, event.attempts.length > 0);
      return event;
    });
  }

  async settle(settlements: readonly Settlement[]): Promise<void> {
    const positions: PositionSettlement[] = [];
    for (const { id, ...rest } of settlements) {
      const position = Number(id);
      const tried = this.#claimed.get(position);
      if (tried === undefined) continue;
      positions.push({ position, tried, ...rest });
    }
    if (positions.length === 0) return;
    const recorded = this.#deps.settle(this.#sink, positions);
    this.#settling.add(recorded);
    try {
      await recorded;
    } finally {
      this.#settling.delete(recorded);
    }
    for (const { position, outcome } of positions) {
      if (outcome === 'retry') this.#claimed.set(position, true);
      else this.#claimed.delete(position);
    }
  }

  available(lane: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#closed.signal.aborted || !this.#cursors.isEmpty(lane)) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const wakers = this.#waiting.get(lane) ?? new Set();
      this.#waiting.set(lane, wakers);
      const wake = (): void => {
        wakers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      wakers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      this.#feed();
    });
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#wakeAll();
    // The next consumer must not be handed what these are about to settle.
    await Promise.allSettled([...this.#settling, this.#reading, this.#feeding]);
    this.#deps.onClose();
  }

  /** Takes over events that were just written, so that a sink which keeps up never reads the store. */
  notice(before: number, fresh: readonly FreshEvent[] | undefined): void {
    if (this.#closed.signal.aborted) return;
    if (fresh !== undefined && this.#cursors.isIdleAt(before)) {
      const events = fresh.map(({ hash, ...event }) => ({ ...event, lane: hash % this.#lanes }));
      this.#cursors.follow(this.#deps.tail(), events);
      this.#wakeFed();
    } else {
      this.#feed();
    }
  }

  #wants(lane: number): boolean {
    return (
      !this.#closed.signal.aborted &&
      this.#cursors.isEmpty(lane) &&
      this.#cursors.isBehind(lane, this.#deps.tail())
    );
  }

  /** One read at a time, whichever lane it is for: the next may find that it has been fed along. */
  async #read(lane: number): Promise<void> {
    if (this.#reading !== undefined) return this.#reading;
    this.#reading = this.#readFor(lane).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readFor(lane: number): Promise<void> {
    const stretch = this.#cursors.stretchFor(lane, this.#deps.tail());
    const { events, upTo } = await this.#deps.scan({
      sink: this.#sink,
      lanes: this.#lanes,
      ...stretch,
    });
    const fed = events.map(({ position, ...event }) => ({
      ...event,
      position,
      id: String(position),
    }));
    this.#cursors.feed(stretch, upTo, fed);
    this.#wakeFed();
  }

  /** Reads on for lanes that somebody waits at, so that only those wake which have something. */
  #feed(): void {
    this.#feeding ??= this.#feedWaiting().finally(() => {
      this.#feeding = undefined;
      // Somebody may have come to wait after the last look.
      if (this.#hungryLane() !== undefined) this.#feed();
    });
  }

  async #feedWaiting(): Promise<void> {
    for (let lane = this.#hungryLane(); lane !== undefined; lane = this.#hungryLane()) {
      try {
        await this.#read(lane);
      } catch {
        // The next claim meets the same error and reports it; until then there is no use in asking again at once.
        await this.#deps.clock.sleep(READ_PAUSE, this.#closed.signal);
        this.#wakeAll();
      }
    }
  }

  #hungryLane(): number | undefined {
    for (const [lane, wakers] of this.#waiting) {
      if (wakers.size > 0 && this.#wants(lane)) return lane;
    }
    return undefined;
  }

  #wakeFed(): void {
    for (const [lane, wakers] of this.#waiting) {
      if (!this.#cursors.isEmpty(lane)) for (const wake of [...wakers]) wake();
    }
  }

  #wakeAll(): void {
    for (const wakers of this.#waiting.values()) for (const wake of [...wakers]) wake();
  }
}
