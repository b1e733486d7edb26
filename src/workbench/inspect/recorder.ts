import type {
  DeliveryAnswered,
  DeliveryAppended,
  DeliveryBegan,
  Observations,
  ObservedDelivery,
  ObservedEvent,
} from '../../core/observe.js';
import type { AttemptRecord } from './record.js';
import { Recording } from './recording.js';
import { Ring } from './ring.js';

/** One attempt of a sink, or events that it withheld. */
interface AttemptReport {
  readonly sink: string;
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number;
  readonly ms: number;
}

/** Receives deliveries as they happen. */
export interface Audience {
  /** A delivery was answered. */
  delivered(recording: Recording): void;
  /** `isOwn`: a sink of this process has made it. */
  attempted(recording: Recording, attempt: AttemptRecord, isOwn: boolean): void;
  /** Events of a delivery were requeued under these ids. `isOwn`: here. */
  replayed?(
    recording: Recording,
    eventIds: readonly string[],
    positions: readonly number[],
    isOwn: boolean,
  ): void;
}

export interface RecorderOptions {
  readonly observations: Observations;
  /** If absent, nothing is kept. */
  readonly ring?: { readonly deliveries: number; readonly memory: number };
  readonly audience: Audience;
  /** The name of this process among those that share a store. */
  readonly member?: string;
}

/** While nothing is kept, subscribers still receive attempts for this many of the latest deliveries. */
const TRANSIENT = { deliveries: 200, memory: 4 * 1024 * 1024 };

/**
 * Attempts that finished before the outbox's ids were known here: a sink can be that fast, and another member tells of
 * a delivery up to half a second later.
 */
const MOST_EARLY = 1_000;
const MOST_EARLY_OF_MEMBERS = 20_000;
const MOST_EARLY_OF_EVENT = 10;

/** Where an event of the outbox was recorded. */
interface RecordedAt {
  readonly recording: Recording;
  /** Its index among the accepted events of its delivery. */
  readonly position: number;
}

/** Events of one delivery with the same result in one attempt. */
interface Group {
  readonly recording: Recording;
  readonly event: ObservedEvent;
  readonly positions: number[];
  readonly eventIds: string[];
}

/**
 * Records deliveries while they are kept or somebody listens, and finds the delivery that an attempt of a sink belongs
 * to. It observes nothing otherwise, so that the receiver publishes nothing.
 */
export class Recorder {
  /** Whether deliveries are kept for later. */
  readonly isKeeping: boolean;
  readonly #observations: Observations;
  readonly #ring: Ring<Recording>;
  readonly #audience: Audience;
  #recordings = new WeakMap<ObservedDelivery, Recording>();
  /** By the outbox's ids. */
  readonly #recordedAt = new Map<string, RecordedAt>();
  readonly #early = new Map<string, { report: AttemptReport; event: ObservedEvent }[]>();
  readonly #member: string | undefined;
  /** Who wants deliveries to be recorded. */
  readonly #wanting = new Set<'keeping' | 'listeners' | 'members'>();
  #unsubscribe: readonly (() => void)[] = [];

  constructor({ audience, member, observations, ring }: RecorderOptions) {
    this.isKeeping = ring !== undefined;
    this.#audience = audience;
    this.#observations = observations;
    const { deliveries, memory } = ring ?? TRANSIENT;
    this.#ring = new Ring({ entries: deliveries, bytes: memory }, (recording) =>
      this.#forget(recording),
    );
    this.#member = member;
    this.want('keeping', this.isKeeping);
  }

  get isRecording(): boolean {
    return this.#wanting.size > 0;
  }

  /** Whether anybody wants deliveries to be recorded. Without any, drops what was recorded only for them. */
  want(who: 'keeping' | 'listeners' | 'members', isWanted: boolean): void {
    const before = this.isRecording;
    if (isWanted) this.#wanting.add(who);
    else this.#wanting.delete(who);
    if (this.isRecording === before) return;
    if (this.isRecording) this.#subscribe();
    else this.#forgetAll();
  }

  #forgetAll(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#unsubscribe = [];
    this.#recordings = new WeakMap();
    this.#ring.clear();
    this.#recordedAt.clear();
    this.#early.clear();
  }

  /** Returns what is kept, newest first. */
  kept(): readonly Recording[] {
    if (!this.isKeeping) return [];
    const newest = this.#ring.newest();
    // Ids are in the order of arrival, and those of other members come in later.
    return this.#member === undefined ? newest : newest.sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  find(id: string): Recording | undefined {
    return this.isKeeping ? this.#ring.get(id) : undefined;
  }

  /** Events of the delivery, by their positions among the accepted, were requeued under these ids. */
  replayed(recording: Recording, eventIds: readonly string[], positions: readonly number[]): void {
    if (this.#ring.get(recording.id) === undefined) return;
    this.#replayed(recording, eventIds, positions);
    this.#audience.replayed?.(recording, eventIds, positions, true);
  }

  /** Adds the recording of another member. `isNews`: subscribers do not know it. */
  adopt(recording: Recording, isNews: boolean): void {
    const { id } = recording;
    if (!this.isRecording || this.#ring.get(id) !== undefined) return;
    this.#ring.add(recording, recording.size());
    // It may be too large for the ring.
    if (this.#ring.get(id) === undefined) return;
    if (isNews) this.#audience.delivered(recording);
    this.#locate(recording, recording.eventIds, (index) => index);
  }

  /** Adds an attempt that another member has made. */
  adoptAttempt(id: string, attempt: AttemptRecord, isNews: boolean): void {
    const recording = this.#ring.get(id);
    if (recording === undefined) return;
    const positions = attempt.eventIds.flatMap((each) => {
      const at = this.#recordedAt.get(each);
      return at?.recording === recording ? [at.position] : [];
    });
    this.#ring.grow(id, recording.attempted(attempt, positions));
    if (isNews) this.#audience.attempted(recording, attempt, false);
  }

  /** Another member has requeued events of this delivery. */
  adoptReplay(id: string, eventIds: readonly string[], positions: readonly number[]): void {
    const recording = this.#ring.get(id);
    if (recording !== undefined) this.#replayed(recording, eventIds, positions);
  }

  #replayed(recording: Recording, eventIds: readonly string[], positions: readonly number[]): void {
    recording.replayed(eventIds);
    this.#ring.grow(recording.id, eventIds.length * 150);
    this.#locate(recording, eventIds, (index) => positions[index] ?? 0);
  }

  #subscribe(): void {
    const { answered, appended, attempted, began, judged, read, verified, withheld } =
      this.#observations;
    const of = (delivery: ObservedDelivery) => this.#recordings.get(delivery);
    this.#unsubscribe = [
      began.subscribe((message) => this.#begin(message)),
      read.subscribe(({ delivery, body }) => of(delivery)?.read(body)),
      verified.subscribe(({ delivery, verification }) => of(delivery)?.verified(verification)),
      judged.subscribe(({ delivery, event }) => of(delivery)?.judged(event)),
      appended.subscribe((message) => this.#appended(message)),
      answered.subscribe((message) => this.#answered(message)),
      attempted.subscribe(({ events, ...report }) => this.#attempted(report, events())),
      withheld.subscribe(({ events, ...report }) => {
        this.#attempted({ ...report, ms: 0 }, events());
      }),
    ];
  }

  #begin({ delivery, ...head }: DeliveryBegan): void {
    const member = this.#member;
    const start = { ...delivery, ...head, ...(member !== undefined && { member }) };
    this.#recordings.set(delivery, new Recording(start));
  }

  #appended({ delivery, results }: DeliveryAppended): void {
    const recording = this.#recordings.get(delivery);
    if (recording === undefined) return;
    recording.appended(results);
    this.#locate(recording, recording.eventIds, (index) => index);
  }

  #answered({ delivery, error, ms, outcome, response }: DeliveryAnswered): void {
    const recording = this.#recordings.get(delivery);
    if (recording === undefined) return;
    this.#recordings.delete(delivery);
    const { body, headers, status } = response;
    const why = error === undefined ? {} : { code: error.code, detail: error.message };
    recording.answered({ status, headers, body, ms, outcome, ...why });
    this.#ring.add(recording, recording.size());
    this.#audience.delivered(recording);
    for (const attempt of recording.attempts) this.#audience.attempted(recording, attempt, true);
  }

  #attempted(report: AttemptReport, events: readonly ObservedEvent[]): void {
    const groups = new Map<string, Group>();
    for (const event of events) {
      const at = this.#recordedAt.get(event.id);
      if (at === undefined) {
        this.#keepEarly(event.id, report, event);
        continue;
      }
      const { position, recording } = at;
      const { error, farSide, outcome } = event;
      const key = JSON.stringify([recording.id, outcome, error, farSide]);
      const group = groups.get(key) ?? { recording, event, positions: [], eventIds: [] };
      groups.set(key, group);
      group.positions.push(position);
      group.eventIds.push(event.id);
    }
    for (const { event, eventIds, positions, recording } of groups.values()) {
      const attempt = toAttempt(report, event, eventIds);
      const member = this.#member;
      this.#note(recording, member === undefined ? attempt : { ...attempt, member }, positions);
    }
  }

  /** Remembers where these events of the outbox were recorded. */
  #locate(
    recording: Recording,
    eventIds: readonly string[],
    positionOf: (index: number) => number,
  ): void {
    eventIds.forEach((id, index) => {
      this.#recordedAt.set(id, { recording, position: positionOf(index) });
    });
    if (this.#early.size === 0) return;
    for (const id of eventIds) {
      const early = this.#early.get(id);
      this.#early.delete(id);
      for (const { event, report } of early ?? []) this.#attempted(report, [event]);
    }
  }

  #note(recording: Recording, attempt: AttemptRecord, positions: readonly number[]): void {
    const more = recording.attempted(attempt, positions);
    // A delivery without an answer is not in the ring yet. It is added with its attempts.
    if (recording.answer === undefined) return;
    this.#ring.grow(recording.id, more);
    this.#audience.attempted(recording, attempt, true);
  }

  #keepEarly(id: string, report: AttemptReport, event: ObservedEvent): void {
    const entry = { report, event };
    const known = this.#early.get(id);
    if (known !== undefined) {
      known.push(entry);
      if (known.length > MOST_EARLY_OF_EVENT) known.shift();
      return;
    }
    this.#early.set(id, [entry]);
    const [oldest] = this.#early.keys();
    const most = this.#member === undefined ? MOST_EARLY : MOST_EARLY_OF_MEMBERS;
    if (this.#early.size > most && oldest !== undefined) this.#early.delete(oldest);
  }

  #forget(recording: Recording): void {
    for (const id of recording.eventIds) this.#recordedAt.delete(id);
  }
}

function toAttempt(
  { at, ms, sink }: AttemptReport,
  { error, farSide, outcome }: ObservedEvent,
  eventIds: readonly string[],
): AttemptRecord {
  const took = Math.round(ms * 100) / 100;
  const ended = { at: new Date(at).toISOString(), sink, eventIds, ms: took, outcome };
  return {
    ...ended,
    ...(error !== undefined && { error }),
    ...(farSide !== undefined && { farSide }),
  };
}
