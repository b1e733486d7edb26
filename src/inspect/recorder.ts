import type { AttemptRecord } from './record.js';
import { Ring } from './ring.js';
import { Tape, type TapeListener, type TapeStart } from './tape.js';

/** What takes deliveries asks, once each: is anybody looking? Only then is a tape made. */
export interface DeliveryRecorder {
  readonly wanted: boolean;
  begin(start: TapeStart): Tape;
}

/** One call of a sink, or what was not sent to it, event by event. */
export interface AttemptReport {
  readonly sink: string;
  /** When it ended, milliseconds since the epoch. */
  readonly at: number;
  readonly ms: number;
  readonly events: readonly AttemptedEvent[];
}

export interface AttemptedEvent {
  /** The outbox's id. */
  readonly id: string;
  readonly outcome: AttemptRecord['outcome'];
  readonly error?: string;
}

/** Who hears of deliveries as they happen; there may be nobody. */
export interface Audience {
  readonly listening: boolean;
  /** A delivery was answered. */
  delivered(tape: Tape): void;
  attempted(tape: Tape, attempt: AttemptRecord): void;
}

export interface RecorderOptions {
  /** Absent: nothing is kept for later. */
  readonly ring?: { readonly deliveries: number; readonly memory: number };
  readonly audience: Audience;
}

/** While nothing is kept, attempts are still told to who listens, for so many of the last deliveries. */
const TRANSIENT = { deliveries: 200, memory: 4 * 1024 * 1024 };

/** Attempts that came before the outbox's ids were known here: a sink can be that fast. */
const MOST_EARLY = 1_000;

interface Place {
  readonly tape: Tape;
  /** Among the accepted events of its delivery. */
  readonly at: number;
}

/** Events of one delivery that fared alike in one attempt. */
interface Group {
  readonly tape: Tape;
  readonly event: AttemptedEvent;
  readonly places: number[];
  readonly eventIds: string[];
}

/** Keeps the tapes of the last deliveries, and finds the delivery that an attempt of a sink belongs to. */
export class Recorder implements DeliveryRecorder, TapeListener {
  /** Whether deliveries are kept for later. */
  readonly recording: boolean;
  readonly #ring: Ring<Tape>;
  readonly #audience: Audience;
  readonly #places = new Map<string, Place>();
  readonly #early = new Map<string, { report: AttemptReport; event: AttemptedEvent }[]>();

  constructor({ audience, ring }: RecorderOptions) {
    this.recording = ring !== undefined;
    this.#audience = audience;
    const { deliveries, memory } = ring ?? TRANSIENT;
    this.#ring = new Ring({ entries: deliveries, bytes: memory }, (tape) => this.#forget(tape));
  }

  get wanted(): boolean {
    return this.recording || this.#audience.listening;
  }

  begin(start: TapeStart): Tape {
    return new Tape(start, this);
  }

  /** What is kept for later, newest first. */
  kept(): readonly Tape[] {
    return this.recording ? this.#ring.newest() : [];
  }

  find(id: string): Tape | undefined {
    return this.recording ? this.#ring.get(id) : undefined;
  }

  /** Nobody listens any more: what was only for them goes. */
  unheard(): void {
    if (this.recording) return;
    this.#ring.clear();
    this.#early.clear();
  }

  accepted(tape: Tape, eventIds: readonly string[]): void {
    this.#place(tape, eventIds, (index) => index);
  }

  answered(tape: Tape): void {
    if (!this.wanted) {
      this.#forget(tape);
      return;
    }
    this.#ring.add(tape, tape.size());
    this.#audience.delivered(tape);
    for (const attempt of tape.attempts) this.#audience.attempted(tape, attempt);
  }

  /** Events of the delivery, by their places among the accepted, were given to the sinks again under these ids. */
  replayed(tape: Tape, eventIds: readonly string[], places: readonly number[]): void {
    if (this.#ring.get(tape.id) === undefined) return;
    tape.replayed(eventIds);
    this.#ring.grow(tape.id, eventIds.length * 150);
    this.#place(tape, eventIds, (index) => places[index] ?? 0);
  }

  /** What a sink did, whosever events they were. */
  attempted(report: AttemptReport): void {
    const groups = new Map<string, Group>();
    for (const event of report.events) {
      const place = this.#places.get(event.id);
      if (place === undefined) {
        this.#keepEarly(event.id, report, event);
        continue;
      }
      const key = `${place.tape.id} ${event.outcome} ${event.error ?? ''}`;
      const group = groups.get(key) ?? { tape: place.tape, event, places: [], eventIds: [] };
      groups.set(key, group);
      group.places.push(place.at);
      group.eventIds.push(event.id);
    }
    for (const { event, eventIds, places, tape } of groups.values()) {
      this.#note(tape, toAttempt(report, event, eventIds), places);
    }
  }

  #place(tape: Tape, eventIds: readonly string[], placeOf: (index: number) => number): void {
    eventIds.forEach((id, index) => {
      this.#places.set(id, { tape, at: placeOf(index) });
    });
    if (this.#early.size === 0) return;
    for (const id of eventIds) {
      const early = this.#early.get(id);
      this.#early.delete(id);
      for (const { event, report } of early ?? []) this.attempted({ ...report, events: [event] });
    }
  }

  #note(tape: Tape, attempt: AttemptRecord, places: readonly number[]): void {
    const more = tape.attempted(attempt, places);
    // Before its answer it is nowhere yet, and is told of and counted with it.
    if (tape.answer === undefined) return;
    this.#ring.grow(tape.id, more);
    this.#audience.attempted(tape, attempt);
  }

  #keepEarly(id: string, report: AttemptReport, event: AttemptedEvent): void {
    const entry = { report: { ...report, events: [] }, event };
    const known = this.#early.get(id);
    if (known !== undefined) {
      known.push(entry);
      if (known.length > MOST_EARLY / 100) known.shift();
      return;
    }
    this.#early.set(id, [entry]);
    const [oldest] = this.#early.keys();
    if (this.#early.size > MOST_EARLY && oldest !== undefined) this.#early.delete(oldest);
  }

  #forget(tape: Tape): void {
    for (const id of tape.eventIds) this.#places.delete(id);
  }
}

function toAttempt(
  { at, ms, sink }: AttemptReport,
  { error, outcome }: AttemptedEvent,
  eventIds: readonly string[],
): AttemptRecord {
  const took = Math.round(ms * 100) / 100;
  const ended = { at: new Date(at).toISOString(), sink, eventIds, ms: took, outcome };
  return error === undefined ? ended : { ...ended, error };
}
