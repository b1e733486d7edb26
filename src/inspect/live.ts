import type { Clock } from '../clock.js';
import type { AttemptRecord, DeliverySummary, LiveEvents, LiveStats } from './record.js';
import type { Audience } from './recorder.js';
import type { Tape } from './tape.js';
import type { View } from './view.js';

/** Somebody who listens. None of its methods may throw or wait. */
export interface Subscriber {
  /** Whether deliveries come whole. */
  readonly whole: boolean;
  wants(summary: DeliverySummary): boolean;
  /** `json`: the event's data as JSON text. */
  send(event: keyof LiveEvents, json: string): void;
  /** Nothing comes any more, and it was not the subscriber's wish. */
  end(): void;
}

export interface LiveOptions {
  readonly clock: Clock;
  /** Through which everything is seen. */
  readonly view: View;
  readonly readSinks: () => Promise<LiveStats['sinks']>;
  /** The last one has left. */
  readonly onUnheard: () => void;
  /** Something could not be shown; nobody else may suffer from that. */
  readonly onFault: (error: unknown) => void;
}

const MOST_SUBSCRIBERS = 16;
const STATS_EVERY = 1_000;
/** Of one second; more than any receiver takes. */
const MOST_TIMES = 50_000;

/** Tells whoever listens what happens, as it happens. Costs nothing while nobody does. */
export class Live implements Audience {
  readonly #options: LiveOptions;
  readonly #subscribers = new Set<Subscriber>();
  #timer: NodeJS.Timeout | undefined;
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

  /** Returns how to leave; undefined where there are too many already, or the receiver is stopping. */
  subscribe(subscriber: Subscriber): (() => void) | undefined {
    if (this.#ended || this.#subscribers.size >= MOST_SUBSCRIBERS) return undefined;
    this.#subscribers.add(subscriber);
    this.#timer ??= setInterval(() => this.#tick(), STATS_EVERY).unref();
    void this.#read();
    return () => this.#leave(subscriber);
  }

  /** Ends all subscriptions, those to come as well. */
  end(): void {
    this.#ended = true;
    for (const subscriber of [...this.#subscribers]) {
      this.#leave(subscriber);
      subscriber.end();
    }
  }

  delivered(tape: Tape): void {
    if (this.listening) this.#soon(() => this.#tellDelivery(tape));
  }

  attempted(tape: Tape, attempt: AttemptRecord): void {
    if (this.listening) this.#soon(() => this.#tellAttempt(tape, attempt));
  }

  /** In their order, but behind the answer that is on its way out. */
  #soon(tell: () => void): void {
    this.#waiting.push(tell);
    if (this.#waiting.length === 1) setImmediate(() => this.#tellAll());
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

  #tellDelivery(tape: Tape): void {
    this.#count(tape);
    const summary = this.#options.view.summary(tape);
    let short: string | undefined;
    let whole: string | undefined;
    for (const subscriber of this.#subscribers) {
      if (!subscriber.wants(summary)) continue;
      if (subscriber.whole) {
        whole ??= JSON.stringify(this.#options.view.record(tape));
        subscriber.send('delivery', whole);
      } else {
        short ??= JSON.stringify(summary);
        subscriber.send('delivery', short);
      }
    }
  }

  #tellAttempt(tape: Tape, attempt: AttemptRecord): void {
    const summary = this.#options.view.summary(tape);
    let json: string | undefined;
    for (const subscriber of this.#subscribers) {
      if (!subscriber.wants(summary)) continue;
      json ??= JSON.stringify({
        deliveryId: tape.id,
        ...this.#options.view.attempt(tape, attempt),
      });
      subscriber.send('attempt', json);
    }
  }

  #leave(subscriber: Subscriber): void {
    if (!this.#subscribers.delete(subscriber) || this.listening) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#reset();
    this.#options.onUnheard();
  }

  #count({ answer }: Tape): void {
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

  /** For the next second. A disk that hangs holds up one reading, and what was read last is told again. */
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
