import { type Clock, withinTime } from '../../../core/clock.js';
import { TrackbridgeError } from '../../../core/errors.js';
import { Waiters } from '../../../core/waiters.js';
import type { Exchange } from '../../../outbox/exchange.js';
import type { Live } from '../live.js';
import type { Recorder } from '../recorder.js';
import { type SharedEntry, thaw } from './frozen.js';
import type { Outgoing } from './outgoing.js';

/** Milliseconds between two turns: each writes, and every third reads. */
const TURN = 100;
const READ_EVERY = 3;
/** Milliseconds between two turns while the store does not answer. */
const TURN_AFTER_FAILURE = 1_000;
/** How often to repeat that this process wants to see what others record, in milliseconds. */
const WATCH_EVERY = 3_000;
/** How long a new subscriber waits for the others to begin to record, in milliseconds. */
const ANNOUNCED_WITHIN = 1_000;
const BEGIN = 200;
/** How long a request waits for the newest recordings of the others, in milliseconds. */
const REFRESHED_WITHIN = 1_000;

export interface SharingDeps {
  readonly exchange: Exchange;
  readonly recorder: Recorder;
  readonly live: Live;
  readonly outgoing: Outgoing;
  readonly clock: Clock;
  readonly onFault: (error: unknown) => void;
}

/**
 * Tells the other members what this process records, and records what they tell, while anybody wants to see it: a
 * member has `admin.record`, or somebody listens at one.
 */
export class Sharing {
  readonly #deps: SharingDeps;
  readonly #stopped = new AbortController();
  readonly #changed = new Waiters();
  #reading: Promise<void> | undefined;
  /** When the wish to see what others record was last told, on the monotonic clock. */
  #wishedAt = Number.NEGATIVE_INFINITY;
  /** Whether everything was read that others had recorded before. */
  #isCurrent = false;

  constructor(deps: SharingDeps) {
    this.#deps = deps;
    deps.exchange.onWatched(() => this.wake());
  }

  /** Runs until it is stopped. Never rejects. */
  async run(): Promise<void> {
    const { clock, exchange, onFault, outgoing, recorder } = this.#deps;
    const { signal } = this.#stopped;
    for (let turn = 0; !signal.aborted; turn += 1) {
      recorder.want('members', exchange.isWatched);
      if (!recorder.isRecording) {
        outgoing.clear();
        this.#isCurrent = false;
        await this.#changed.wait(signal);
        continue;
      }
      let pause = TURN;
      try {
        await this.#turn(turn % READ_EVERY === 0);
      } catch (error) {
        // The outbox reports a store that does not answer.
        pause = TURN_AFTER_FAILURE;
        if (!(error instanceof TrackbridgeError)) onFault(error);
      }
      await clock.sleep(pause, signal);
    }
  }

  /** Something has changed that decides whether this process records. */
  wake(): void {
    this.#changed.wake();
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** Tells the others that somebody wants to see what they record. Resolves when they have probably begun. */
  async announce(): Promise<void> {
    const { clock } = this.#deps;
    if (clock.monotonic() - this.#wishedAt < WATCH_EVERY * 2) return;
    const told = this.#watch().then(
      () => clock.sleep(BEGIN),
      () => undefined,
    );
    await withinTime(told, ANNOUNCED_WITHIN, clock, () => undefined);
  }

  /** Reads what others have recorded until now, if the store answers in time. */
  async refresh(): Promise<void> {
    const { clock, recorder } = this.#deps;
    if (!recorder.isRecording || this.#stopped.signal.aborted) return;
    const read = this.#read().catch(() => undefined);
    await withinTime(read, REFRESHED_WITHIN, clock, () => undefined);
  }

  async #turn(isReading: boolean): Promise<void> {
    const { clock, exchange, live, outgoing, recorder } = this.#deps;
    const wants = recorder.isKeeping || live.listening;
    if (wants && clock.monotonic() - this.#wishedAt >= WATCH_EVERY) await this.#watch();
    if (exchange.isWatched) await this.#tell();
    else outgoing.clear();
    if (isReading) await this.#read();
  }

  async #tell(): Promise<void> {
    const { exchange, outgoing } = this.#deps;
    const texts = outgoing.take();
    try {
      await exchange.write(texts);
    } catch (error) {
      outgoing.lost(texts.length);
      throw error;
    }
  }

  async #watch(): Promise<void> {
    const at = this.#deps.clock.monotonic();
    await this.#deps.exchange.watch();
    this.#wishedAt = at;
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Deliveries come first: an attempt of one member may stand before its delivery at another. */
  async #readAll(): Promise<void> {
    const { exchange, onFault } = this.#deps;
    const later: SharedEntry[] = [];
    for (let isCut = true; isCut; ) {
      const page = await exchange.read();
      ({ isCut } = page);
      for (const text of page.entries) {
        try {
          const entry = JSON.parse(text) as SharedEntry;
          if ('delivery' in entry) this.#deps.recorder.adopt(thaw(entry.delivery), this.#isCurrent);
          else later.push(entry);
        } catch (error) {
          onFault(error);
        }
      }
    }
    for (const entry of later) this.#apply(entry);
    this.#isCurrent = true;
  }

  #apply(entry: SharedEntry): void {
    const { live, recorder } = this.#deps;
    const isNews = this.#isCurrent;
    if ('attempt' in entry) recorder.adoptAttempt(entry.id, entry.attempt, isNews);
    else if ('replayed' in entry) recorder.adoptReplay(entry.id, entry.replayed, entry.positions);
    else if ('dropped' in entry && isNews) live.dropped(entry.member, entry.dropped);
  }
}
