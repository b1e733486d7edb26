import { isObject, type JsonValue } from '../../core/json.js';
import type {
  AppendResult,
  DeliveryBegan,
  JudgedEvent,
  ObservedDelivery,
  ObservedVerification,
} from '../../core/observe.js';
import { type CanonicalEvent, orderKeyOf } from '../../event/event.js';
import type { NewEvent } from '../../outbox/intake.js';
import type { AttemptRecord, EventRecord, SignedPart } from './record.js';
import { type Progress, SinkProgress } from './sink-progress.js';

/** The most events of a batch that are kept; the others are only counted. */
const MOST_EVENTS = 200;
const MOST_ATTEMPTS = 2_000;

/** The delivery and its head, which are known when it begins. */
export interface RecordingStart extends Omit<DeliveryBegan, 'delivery'>, ObservedDelivery {
  /** The member that received it, if members share a store. */
  readonly member?: string;
}

export interface RecordedEvent extends Omit<EventRecord, 'decoded' | 'canonical' | 'outcome'> {
  outcome: EventRecord['outcome'];
  eventId?: string;
  /** JSON texts: a tenth of what the values take. */
  readonly decoded: string;
  readonly canonical?: string;
}

export interface RecordedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** Milliseconds from the first byte. */
  readonly ms: number;
  readonly outcome: string;
  /** Set if it was rejected. */
  readonly code?: string;
  readonly detail?: string;
}

/** What is known of the recording of another member beyond what it shows. */
export interface Origin {
  readonly bodyBytes: number;
  readonly signed?: SignedPart;
  /** Whether the body is longer than what is known of it, and whether something in that is hidden. */
  readonly isCut: boolean;
  readonly isHidden: boolean;
  /** Whether body and events are complete and nothing in them is hidden. */
  readonly isWhole: boolean;
  /** Whether this is so of headers and path as well. */
  readonly isExact: boolean;
}

/** The recording of another member, as far as that has told of it. */
export interface RestoredRecording {
  readonly start: RecordingStart;
  readonly origin: Origin;
  readonly body: Buffer;
  readonly verification: ObservedVerification | undefined;
  readonly answer: RecordedAnswer;
  readonly first: Readonly<Record<string, JsonValue>> | undefined;
  readonly counts: Recording['counts'];
  readonly events: readonly RecordedEvent[];
  readonly eventIds: readonly string[];
}

type ReplayedEvent = Pick<NewEvent, 'orderKey' | 'json'>;

/**
 * The recording of one delivery in progress, unmasked: it is shown only through a view. Its recorder calls the methods
 * in order, as far as the delivery gets.
 */
export class Recording {
  readonly start: RecordingStart;
  /** Set if another member has recorded it. It holds what may be shown only. */
  origin: Origin | undefined;
  readonly events: RecordedEvent[] = [];
  readonly attempts: AttemptRecord[] = [];
  attemptsDropped = 0;
  body: Buffer | undefined;
  verification: ObservedVerification | undefined;
  answer: RecordedAnswer | undefined;
  /** Members of the first event that name it. */
  first: Readonly<Record<string, JsonValue>> | undefined;
  readonly counts = { all: 0, accepted: 0, duplicates: 0, quarantined: 0, looped: 0 };
  readonly #progress = new SinkProgress();
  /** Accepted events that are not durable yet, in order; those beyond the kept ones are undefined. */
  #pending: (RecordedEvent | undefined)[] = [];
  #quarantined: RecordedEvent[] = [];
  #quarantinedCount = 0;
  #eventIds: string[] = [];

  constructor(start: RecordingStart) {
    this.start = start;
  }

  static restored({ counts, eventIds, events, start, ...parts }: RestoredRecording): Recording {
    const recording = new Recording(start);
    Object.assign(recording, parts);
    Object.assign(recording.counts, counts);
    recording.events.push(...events);
    recording.#eventIds = [...eventIds];
    recording.#progress.expect(eventIds.length);
    return recording;
  }

  /** The bytes of the body, which may not be recorded completely. */
  get bodyBytes(): number {
    return this.origin?.bodyBytes ?? this.body?.length ?? 0;
  }

  get id(): string {
    return this.start.id;
  }

  /** The outbox's ids of the accepted events, including those of later replays. */
  get eventIds(): readonly string[] {
    return this.#eventIds;
  }

  /** Records the body as it is verified. A copy: a slice would keep the whole block that it was read into. */
  read(body: Buffer): void {
    this.body = Buffer.from(body);
  }

  verified(verification: ObservedVerification): void {
    this.verification = verification;
  }

  /** Call it once for every event, in the order of the delivery. */
  judged(event: JudgedEvent): void {
    this.counts.all++;
    if (event.index === 0 && isObject(event.decoded)) this.first = namesOf(event);
    if (event.outcome === 'looped') this.counts.looped++;
    const kept = this.events.length < MOST_EVENTS ? toRecorded(event) : undefined;
    if (kept !== undefined) this.events.push(kept);
    if (event.outcome === 'accepted') this.#pending.push(kept);
    if (event.outcome !== 'quarantined') return;
    this.#quarantinedCount++;
    if (kept !== undefined) this.#quarantined.push(kept);
  }

  /** Records that the delivery is durable: `results` has one result per accepted event. */
  appended(results: readonly AppendResult[]): void {
    const ids: string[] = [];
    results.forEach((each, at) => {
      const event = this.#pending[at];
      if (each.outcome === 'accepted') ids.push(each.id);
      if (event === undefined) return;
      event.outcome = each.outcome;
      if (each.outcome === 'accepted') event.eventId = each.id;
    });
    this.#pending = [];
    this.#quarantined = [];
    this.#eventIds = ids;
    this.counts.accepted = ids.length;
    this.counts.duplicates = results.length - ids.length;
    this.counts.quarantined = this.#quarantinedCount;
    this.#progress.expect(ids.length);
  }

  answered(answer: RecordedAnswer): void {
    // The outbox did not store these events.
    for (const event of [...this.#pending, ...this.#quarantined]) {
      if (event !== undefined) event.outcome = 'refused';
    }
    this.#pending = [];
    this.#quarantined = [];
    this.answer = answer;
  }

  /** Records that events of the delivery were requeued under these ids. */
  replayed(eventIds: readonly string[]): void {
    this.#eventIds.push(...eventIds);
  }

  /** The accepted events that are kept, as the outbox takes them, and their positions among the accepted ones. */
  replayable(): { readonly events: ReplayedEvent[]; readonly positions: number[] } {
    const events: ReplayedEvent[] = [];
    const positions: number[] = [];
    for (const { canonical, eventId } of this.events) {
      if (canonical === undefined || eventId === undefined) continue;
      const orderKey = orderKeyOf(JSON.parse(canonical) as CanonicalEvent);
      events.push({ orderKey, json: canonical });
      positions.push(this.#eventIds.indexOf(eventId));
    }
    return { events, positions };
  }

  /** Returns the growth of the recording in bytes; negative if older attempts were dropped. */
  attempted(attempt: AttemptRecord, positions: readonly number[]): number {
    this.#progress.note(attempt.sink, STATES[attempt.outcome], positions);
    this.attempts.push(attempt);
    if (this.attempts.length <= MOST_ATTEMPTS) return sizeOfAttempt(attempt);
    const oldest = this.attempts.shift();
    this.attemptsDropped++;
    return sizeOfAttempt(attempt) - (oldest === undefined ? 0 : sizeOfAttempt(oldest));
  }

  progressOf(sink: string): Progress {
    return this.#progress.of(sink);
  }

  /** Returns its approximate size in memory. */
  size(): number {
    const { rawHeaders, url } = this.start;
    let bytes = 1_000 + url.length + (this.body?.length ?? 0);
    for (const text of rawHeaders) bytes += text.length + 16;
    for (const { canonical = '', decoded } of this.events) {
      bytes += 2 * (canonical.length + decoded.length) + 200;
    }
    for (const id of this.#eventIds) bytes += id.length + 100;
    for (const attempt of this.attempts) bytes += sizeOfAttempt(attempt);
    return bytes;
  }
}

const STATES = {
  delivered: 'delivered',
  transient: 'failed',
  permanent: 'dead',
  skipped: 'skipped',
} as const;

function sizeOfAttempt({ error = '', eventIds, farSide = '' }: AttemptRecord): number {
  return 200 + error.length + farSide.length + 16 * eventIds.length;
}

function toRecorded({ canonical, decoded, ...note }: JudgedEvent): RecordedEvent {
  return {
    ...note,
    decoded: JSON.stringify(decoded),
    ...(canonical === undefined ? {} : { canonical }),
  };
}

const NAMES = ['type', 'event', 'name', 'userId', 'anonymousId', 'messageId'] as const;

function namesOf({ canonical, decoded, messageId }: JudgedEvent): Record<string, JsonValue> {
  const event = canonical === undefined ? decoded : (JSON.parse(canonical) as JsonValue);
  const names: Record<string, JsonValue> = messageId === undefined ? {} : { messageId };
  if (!isObject(event)) return names;
  for (const name of NAMES) {
    const value = event[name];
    if (typeof value === 'string' || typeof value === 'number') names[name] = value;
  }
  return names;
}
