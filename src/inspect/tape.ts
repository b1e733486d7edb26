import type { Violation } from '../errors.js';
import { type CanonicalEvent, isObject, type JsonValue, orderKeyOf } from '../event/event.js';
import type { Appended, NewEvent } from '../outbox/outbox.js';
import type { AttemptRecord, EventRecord } from './record.js';
import { type Progress, SinkProgress } from './sink-progress.js';

/** Events of a batch that are kept; the others are only counted. */
const MOST_EVENTS = 200;
const MOST_ATTEMPTS = 2_000;

/** What is known of a delivery when it begins. */
export interface TapeStart {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly source: string;
  readonly method: string;
  /** Path and query as they were sent. */
  readonly url: string;
  readonly httpVersion: string;
  /** Names and values in turn, as Node hands them out. */
  readonly rawHeaders: readonly string[];
  readonly remote: string;
}

/** How the delivery's signature or secret was found. */
export type TapedVerification =
  | { readonly holds: true; readonly verifiedBy: string }
  | { readonly holds: false; readonly reason: string };

/** What became of one event before the outbox was asked; `canonical`: its canonical form as JSON text. */
export interface EventNote {
  readonly index: number;
  readonly outcome: Exclude<EventRecord['outcome'], 'duplicate'>;
  readonly authenticated: boolean;
  readonly decoded: JsonValue;
  readonly canonical?: string;
  readonly messageId?: string;
  readonly violations: readonly Violation[];
}

export interface TapedEvent extends Omit<EventRecord, 'decoded' | 'canonical' | 'outcome'> {
  outcome: EventRecord['outcome'];
  eventId?: string;
  /** JSON texts: a tenth of what the values take. */
  readonly decoded: string;
  readonly canonical?: string;
}

export interface TapedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** Milliseconds from the first byte. */
  readonly ms: number;
  readonly outcome: string;
  /** Where it was refused. */
  readonly code?: string;
  readonly detail?: string;
}

type ReplayedEvent = Pick<NewEvent, 'orderKey' | 'json'>;

/** Who is told how far a tape is. */
export interface TapeListener {
  /** These events of it are in the outbox now. */
  accepted(tape: Tape, eventIds: readonly string[]): void;
  answered(tape: Tape): void;
}

/**
 * What is noted about one delivery while it goes through, unmasked: nothing of it leaves but through a view. Whoever takes
 * the delivery calls the methods in their order, as far as it gets.
 */
export class Tape {
  readonly start: TapeStart;
  readonly events: TapedEvent[] = [];
  readonly attempts: AttemptRecord[] = [];
  attemptsDropped = 0;
  body: Buffer | undefined;
  verification: TapedVerification | undefined;
  answer: TapedAnswer | undefined;
  /** Members of the first event that name it. */
  first: Readonly<Record<string, JsonValue>> | undefined;
  readonly counts = { all: 0, accepted: 0, duplicates: 0, quarantined: 0, looped: 0 };
  readonly #listener: TapeListener;
  readonly #progress = new SinkProgress();
  /** What waits for the outbox's word, in the order it was given; those beyond the kept ones are undefined. */
  #waiting: (TapedEvent | undefined)[] = [];
  #aside: TapedEvent[] = [];
  #asideCount = 0;
  #eventIds: string[] = [];

  constructor(start: TapeStart, listener: TapeListener) {
    this.start = start;
    this.#listener = listener;
  }

  get id(): string {
    return this.start.id;
  }

  /** The outbox's ids of what was accepted, those of later replays among them. */
  get eventIds(): readonly string[] {
    return this.#eventIds;
  }

  /** The body as it is verified. Copied: a slice would keep the whole block that it was read into. */
  read(body: Buffer): void {
    this.body = Buffer.from(body);
  }

  verified(verification: TapedVerification): void {
    this.verification = verification;
  }

  /** Once for every event, in the order of the delivery. */
  event(note: EventNote): void {
    this.counts.all++;
    if (note.index === 0 && isObject(note.decoded)) this.first = namesOf(note);
    if (note.outcome === 'looped') this.counts.looped++;
    const kept = this.events.length < MOST_EVENTS ? toTaped(note) : undefined;
    if (kept !== undefined) this.events.push(kept);
    if (note.outcome === 'accepted') this.#waiting.push(kept);
    if (note.outcome !== 'quarantined') return;
    this.#asideCount++;
    if (kept !== undefined) this.#aside.push(kept);
  }

  /** The outbox has taken the delivery: what it says of each event that was to be accepted. */
  appended(outcomes: readonly Appended[]): void {
    const ids: string[] = [];
    outcomes.forEach((each, at) => {
      const event = this.#waiting[at];
      if (each.outcome === 'accepted') ids.push(each.id);
      if (event === undefined) return;
      event.outcome = each.outcome;
      if (each.outcome === 'accepted') event.eventId = each.id;
    });
    this.#waiting = [];
    this.#aside = [];
    this.#eventIds = ids;
    this.counts.accepted = ids.length;
    this.counts.duplicates = outcomes.length - ids.length;
    this.counts.quarantined = this.#asideCount;
    this.#progress.expect(ids.length);
    if (ids.length > 0) this.#listener.accepted(this, ids);
  }

  answered(answer: TapedAnswer): void {
    // The outbox has not taken them, so nothing of the delivery was kept.
    for (const event of [...this.#waiting, ...this.#aside]) {
      if (event !== undefined) event.outcome = 'refused';
    }
    this.#waiting = [];
    this.#aside = [];
    this.answer = answer;
    this.#listener.answered(this);
  }

  /** These events of it, by their places among the accepted ones, are on their way to the sinks again. */
  replayed(eventIds: readonly string[]): void {
    this.#eventIds.push(...eventIds);
  }

  /** The accepted events that are kept, as the outbox takes them, and their places among the accepted ones. */
  replayable(): { readonly events: ReplayedEvent[]; readonly places: number[] } {
    const events: ReplayedEvent[] = [];
    const places: number[] = [];
    for (const { canonical, eventId } of this.events) {
      if (canonical === undefined || eventId === undefined) continue;
      const orderKey = orderKeyOf(JSON.parse(canonical) as CanonicalEvent);
      events.push({ orderKey, json: canonical });
      places.push(this.#eventIds.indexOf(eventId));
    }
    return { events, places };
  }

  /** Returns how many bytes more the tape holds now; negative where older attempts went. */
  attempted(attempt: AttemptRecord, places: readonly number[]): number {
    this.#progress.note(attempt.sink, STATES[attempt.outcome], places);
    this.attempts.push(attempt);
    if (this.attempts.length <= MOST_ATTEMPTS) return sizeOfAttempt(attempt);
    const oldest = this.attempts.shift();
    this.attemptsDropped++;
    return sizeOfAttempt(attempt) - (oldest === undefined ? 0 : sizeOfAttempt(oldest));
  }

  progressOf(sink: string): Progress {
    return this.#progress.of(sink);
  }

  /** Roughly what it holds in memory. */
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

function sizeOfAttempt({ error = '', eventIds }: AttemptRecord): number {
  return 200 + error.length + 16 * eventIds.length;
}

function toTaped({ canonical, decoded, ...note }: EventNote): TapedEvent {
  return {
    ...note,
    decoded: JSON.stringify(decoded),
    ...(canonical === undefined ? {} : { canonical }),
  };
}

const NAMES = ['type', 'event', 'name', 'userId', 'anonymousId', 'messageId'] as const;

function namesOf({ canonical, decoded, messageId }: EventNote): Record<string, JsonValue> {
  const event = canonical === undefined ? decoded : (JSON.parse(canonical) as JsonValue);
  const names: Record<string, JsonValue> = messageId === undefined ? {} : { messageId };
  if (!isObject(event)) return names;
  for (const name of NAMES) {
    const value = event[name];
    if (typeof value === 'string' || typeof value === 'number') names[name] = value;
  }
  return names;
}
