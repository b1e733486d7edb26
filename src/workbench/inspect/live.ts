import { type Clock, every, turn } from '../../core/clock.js';
import type { AttemptRecord, DeliverySummary, LiveEvents, LiveStats } from './record.js';
import type { Audience } from './recorder.js';
import type { Recording } from './recording.js';
import type { View } from './view.js';

/** A subscriber. None of its methods may throw or wait. */
export interface Subscriber {
  /** Whether it receives complete deliveries. */
  readonly whole: boolean;
  wants(summary: DeliverySummary): boolean;
  /** `json`: the event's data as JSON text. */
  send(event: keyof LiveEvents, json: string): void;
  /** The stream ended, and the subscriber did not request it. */
  end(): void;
}

export interface LiveOptions {
  readonly clock: Clock;
  /** Filters everything that is shown. */
  readonly view: View;
  readonly readSinks: () => Promise<LiveStats['sinks']>;
  /** Called when the first subscriber has come. */
  readonly onHeard: () => void;
  /** Called when the last subscriber has left. */
  readonly onUnheard: () => void;
  /** Called when something could not be shown, which must affect nobody else. */
  readonly onFault: (error: unknown) => void;
}

const MOST_SUBSCRIBERS = 16;
const STATS_EVERY = 1_000;
/** The most response times kept per second; more than any receiver handles. */
const MOST_TIMES = 50_000;

/** Sends subscribers what happens, as it happens. Costs nothing without subscribers. */
export class Live implements Audience {
  readonly #options: LiveOptions;
  readonly #subscribers = new Set<Subscriber>();
  #stopTicking: (() => void) | undefined;
  #times: number[] = [];
  #received = 0;
  #accepted = 0;
  #sinks: LiveStats['sinks'] = [];
  #reading = false;
  #waiting: (() => void)[] = [];
  #ended = false;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  get listening(): boolean {
    return this.#subscribers.size > 0;
  }

  /** Returns a function that unsubscribes; undefined if there are too many subscribers, or the receiver is stopping. */
  subscribe(subscriber: Subscriber): (() => void) | undefined {
    if (this.#ended || this.#subscribers.size >= MOST_SUBSCRIBERS) return undefined;
    if (!this.listening) this.#options.onHeard();
    this.#subscribers.add(subscriber);
    this.#stopTicking ??= every(STATS_EVERY, () => this.#tick());
    void this.#read();
    return () => this.#leave(subscriber);
  }

  /** Ends all subscriptions and rejects new ones. */
  end(): void {
    this.#ended = true;
    for (const subscriber of [...this.#subscribers]) {
      this.#leave(subscriber);
      subscriber.end();
    }
  }

  delivered(recording: Recording): void {
    if (this.listening) this.#soon(() => this.#tellDelivery(recording));
  }

  attempted(recording: Recording, attempt: AttemptRecord): void {
    if (this.listening) this.#soon(() => this.#tellAttempt(recording, attempt));
  }

  /** So many deliveries of a member are not shown. */
  dropped(member: string, deliveries: number): void {
    const json = JSON.stringify({ member, deliveries });
    for (const subscriber of this.#subscribers) subscriber.send('dropped', json);
  }

  /** Runs tasks in order, after the answer in progress. */
  #soon(tell: () => void): void {
    this.#waiting.push(tell);
    if (this.#waiting.length === 1) void turn().then(() => this.#tellAll());
  }

  #tellAll(): void {
    for (const tell of this.#waiting.splice(0)) {
      try {
        tell();
      } catch (error) {
        this.#options.onFault(error);
      }
    }
  }

  #tellDelivery(recording: Recording): void {
    this.#count(recording);
    const summary = this.#options.view.summary(recording);
    let short: string | undefined;
    let whole: string | undefined;
    for (const subscriber of this.#subscribers) {
      if (!subscriber.wants(summary)) continue;
      if (subscriber.whole) {
        whole ??= JSON.stringify(this.#options.view.record(recording));
        subscriber.send('delivery', whole);
      } else {
        short ??= JSON.stringify(summary);
        subscriber.send('delivery', short);
      }
    }
  }

  #tellAttempt(recording: Recording, attempt: AttemptRecord): void {
    const summary = this.#options.view.summary(recording);
    let json: string | undefined;
    for (const subscriber of this.#subscribers) {
      if (!subscriber.wants(summary)) continue;
      json ??= JSON.stringify({
        deliveryId: recording.id,
        ...this.#options.view.attempt(recording, attempt),
      });
      subscriber.send('attempt', json);
    }
  }

  #leave(subscriber: Subscriber): void {
    if (!this.#subscribers.delete(subscriber) || this.listening) return;
    this.#stopTicking?.();
    this.#stopTicking = undefined;
    this.#reset();
    this.#options.onUnheard();
  }

  #count({ answer }: Recording): void {
    this.#received++;
    if (answer?.outcome === 'accepted') this.#accepted++;
    if (this.#times.length < MOST_TIMES) this.#times.push(answer?.ms ?? 0);
  }

  #reset(): void {
    this.#times = [];
    this.#received = 0;
    this.#accepted = 0;
  }

  #tick(): void {
    const times = this.#times.sort((a, b) => a - b);
    const at = (share: number): number =>
      Math.round((times[Math.ceil(times.length * share) - 1] ?? 0) * 100) / 100;
    const stats: LiveStats = {
      at: new Date(this.#options.clock.now()).toISOString(),
      received: this.#received,
      accepted: this.#accepted,
      refused: this.#received - this.#accepted,
      p50: at(0.5),
      p99: at(0.99),
      sinks: this.#sinks,
    };
    this.#reset();
    const json = JSON.stringify(stats);
    for (const subscriber of this.#subscribers) subscriber.send('stats', json);
    void this.#read();
  }

  /**
   * Reads the numbers for the next second. A disk that hangs delays one reading; until then the last numbers are sent
   * again.
   */
  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      this.#sinks = await this.#options.readSinks();
    } catch {
      this.#sinks = [];
    } finally {
      this.#reading = false;
    }
  }
}
