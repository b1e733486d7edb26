import type { TrackbridgeError, Violation } from './errors.js';
import type { JsonValue } from './json.js';

/**
 * One kind of observation. Publishers check `isObserved` before they build a message, so an observation without
 * subscribers allocates nothing. It is Node's `diagnostics_channel` without the registry of the process: two receivers
 * in one process do not observe each other.
 */
export class Channel<Message> {
  readonly #onFault: (error: unknown) => void;
  /** Replaced, never changed: a subscriber may unsubscribe while a message is published. */
  #subscribers: readonly ((message: Message) => void)[] = [];
  #onDemand: (isObserved: boolean) => void = () => undefined;

  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  get isObserved(): boolean {
    return this.#subscribers.length > 0;
  }

  /** Returns a function that unsubscribes. Subscribers must not wait. */
  subscribe(subscriber: (message: Message) => void): () => void {
    this.#set([...this.#subscribers, subscriber]);
    return () => this.#set(this.#subscribers.filter((each) => each !== subscriber));
  }

  /** Calls `listener` when the first subscriber comes and when the last one leaves. Replaces an earlier listener. */
  onDemand(listener: (isObserved: boolean) => void): void {
    this.#onDemand = listener;
  }

  /** Never throws: a fault of a subscriber must not cost an event. */
  publish(message: Message): void {
    for (const subscriber of this.#subscribers) {
      try {
        subscriber(message);
      } catch (error) {
        this.#onFault(error);
      }
    }
  }

  #set(subscribers: readonly ((message: Message) => void)[]): void {
    const before = this.isObserved;
    this.#subscribers = subscribers;
    if (this.isObserved !== before) this.#onDemand(this.isObserved);
  }
}

/**
 * Identifies a delivery. All observations of a delivery have the same object, which can be the key of a WeakMap: a
 * request of a vendor's API that brings no event begins like a delivery and is never `answered`.
 */
export interface ObservedDelivery {
  /** Also the answer's `x-request-id`. */
  readonly id: string;
  /** Empty if no source has the path. */
  readonly source: string;
  /** The span of the delivery. Set by a subscriber of `began` that traces; the delivery's events keep it. */
  trace?: TraceContext | undefined;
}

/** A span as the headers of W3C Trace Context name it. */
export interface TraceContext {
  /** Version 00: trace, span and flags in hexadecimal. */
  readonly traceparent: string;
  /** At most 512 characters of printable ASCII. */
  readonly tracestate?: string;
}

/** A delivery has begun: its head has arrived. */
export interface DeliveryBegan {
  readonly delivery: ObservedDelivery;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly httpVersion: string;
  /** Names and values alternate, as in Node's `rawHeaders`. */
  readonly rawHeaders: readonly string[];
  readonly remote: string;
}

/** The body has been read and decompressed. The buffer may be part of a larger one: copy it to keep it. */
interface DeliveryRead {
  readonly delivery: ObservedDelivery;
  readonly body: Buffer;
}

/** A step of a delivery begins, and the one before it has ended. */
interface DeliveryStepped {
  readonly delivery: ObservedDelivery;
  readonly step: 'verify' | 'decode' | 'append';
}

/** Whether the delivery passed verification, and by which schemes or why not. */
export type ObservedVerification =
  | { readonly passed: true; readonly verifiedBy: string }
  | { readonly passed: false; readonly reason: string };

interface DeliveryVerified {
  readonly delivery: ObservedDelivery;
  readonly verification: ObservedVerification;
}

/** The checks have judged one event. Published for each event, in the order of the delivery. */
export interface JudgedEvent {
  /** The index of the event in its delivery. */
  readonly index: number;
  readonly outcome: 'accepted' | 'quarantined' | 'looped' | 'refused';
  readonly authenticated: boolean;
  readonly decoded: JsonValue;
  /** The canonical form as JSON text, if the event has one. */
  readonly canonical?: string;
  readonly messageId?: string;
  readonly violations: readonly Violation[];
}

interface EventJudged {
  readonly delivery: ObservedDelivery;
  readonly event: JudgedEvent;
}

/** The outbox's result for one event: its id in the outbox, or that it is a duplicate. */
export type AppendResult =
  | { readonly outcome: 'accepted'; readonly id: string }
  | { readonly outcome: 'duplicate' };

/** The accepted and the quarantined events of a delivery are durable. */
export interface DeliveryAppended {
  readonly delivery: ObservedDelivery;
  /** One result per event that was judged `accepted`, in their order. */
  readonly results: readonly AppendResult[];
  readonly counts: {
    readonly accepted: number;
    readonly duplicates: number;
    readonly quarantined: number;
    /** Events that this receiver had already forwarded. */
    readonly looped: number;
  };
  /** Milliseconds until they were durable; undefined if there was nothing to append. */
  readonly ms: number | undefined;
}

/** The outcome of a delivery: one word per row of the documented table of answers. */
export type DeliveryOutcome =
  | 'accepted'
  | 'aborted'
  | 'undecodable'
  | 'unauthenticated'
  | 'not_allowed'
  | 'too_large'
  | 'timeout'
  | 'invalid'
  | 'rate_limited'
  | 'unavailable';

/** A delivery has its answer. It is the last observation of the delivery. */
export interface DeliveryAnswered {
  readonly delivery: ObservedDelivery;
  readonly outcome: DeliveryOutcome;
  /** Milliseconds from the first byte. */
  readonly ms: number;
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly body: unknown;
  };
  /** Why the delivery was rejected; undefined if it was accepted. */
  readonly error: TrackbridgeError | undefined;
}

/** What an attempt, a filter or a transform meant for one event. `skipped`: the sink's configuration filtered it. */
export interface ObservedEvent {
  /** The outbox's id. */
  readonly id: string;
  readonly outcome: 'delivered' | 'transient' | 'permanent' | 'skipped';
  readonly error?: string;
  /** What the server answered. It may repeat the payload. */
  readonly farSide?: string;
}

/** A sink begins one attempt at a batch. */
export interface ObservedAttempt {
  readonly sink: string;
  /** The type of the sink. */
  readonly type: string;
  /** When the attempt begins, in milliseconds since the epoch. */
  readonly at: number;
  /** Events to send. */
  readonly size: number;
  /** Returns the spans of the deliveries that brought the events, one for each event that has one. */
  readonly origins: () => readonly TraceContext[];
  /** The span of the attempt. Set by a subscriber of `attempting` that traces; the sink receives it. */
  trace?: TraceContext | undefined;
}

/** A sink has made one attempt at a batch. */
interface BatchAttempted {
  readonly sink: string;
  /** The same object as at its beginning; undefined if nobody observed that. */
  readonly attempt?: ObservedAttempt | undefined;
  /** When the attempt ended, in milliseconds since the epoch. */
  readonly at: number;
  readonly ms: number;
  /** Events as they were sent. A transform may have turned one event of the outbox into several. */
  readonly counts: {
    readonly delivered: number;
    readonly transient: number;
    readonly permanent: number;
  };
  /** The first error, in one line without secrets and payload; undefined if every event was delivered. */
  readonly error?: string | undefined;
  /** Returns the result for each event of the outbox. A function, because few subscribers need it. */
  readonly events: () => readonly ObservedEvent[];
}

/** Events were not sent: the sink's `where` or `transform` filtered them, or their transform failed. */
interface EventsWithheld {
  readonly sink: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly events: () => readonly ObservedEvent[];
}

/** The outbox has recorded what became of events of a sink. */
interface EventsSettled {
  readonly sink: string;
  /** Events that became dead letters. */
  readonly dead: number;
  readonly filtered: number;
}

/** What became of spans. `dropped`: too many were waiting. `failed`: the collector did not accept them. */
export interface SpansEnded {
  readonly outcome: 'exported' | 'dropped' | 'failed';
  readonly spans: number;
}

/** Why a delivery was rejected before its body was read. */
export type ShedReason = 'requests' | 'bytes' | 'event_loop' | 'outbox';

/** The current load of the process. */
export interface LoadReading {
  /** Milliseconds. */
  readonly loopDelay: number;
  readonly deliveries: number;
  readonly bodyBytes: number;
}

/**
 * The observation port of one receiver. The receiver publishes what happens and knows no subscriber. Metrics, traces
 * and the inspector subscribe.
 */
export interface Observations {
  readonly began: Channel<DeliveryBegan>;
  readonly read: Channel<DeliveryRead>;
  readonly stepped: Channel<DeliveryStepped>;
  readonly verified: Channel<DeliveryVerified>;
  readonly judged: Channel<EventJudged>;
  readonly appended: Channel<DeliveryAppended>;
  readonly answered: Channel<DeliveryAnswered>;
  /** A timestamp of an accepted event cannot be parsed; `field` is its name. */
  readonly unreadable: Channel<{ readonly source: string; readonly field: string }>;
  readonly shed: Channel<{ readonly reason: ShedReason }>;
  readonly load: Channel<LoadReading>;
  readonly attempting: Channel<ObservedAttempt>;
  readonly attempted: Channel<BatchAttempted>;
  readonly withheld: Channel<EventsWithheld>;
  readonly settled: Channel<EventsSettled>;
  readonly circuitOpened: Channel<{ readonly sink: string }>;
  readonly spans: Channel<SpansEnded>;
}

/** Creates the observation port of one receiver. `onFault` is called with every error that a subscriber throws. */
export function createObservations(onFault: (error: unknown) => void): Observations {
  return {
    began: new Channel(onFault),
    read: new Channel(onFault),
    stepped: new Channel(onFault),
    verified: new Channel(onFault),
    judged: new Channel(onFault),
    appended: new Channel(onFault),
    answered: new Channel(onFault),
    unreadable: new Channel(onFault),
    shed: new Channel(onFault),
    load: new Channel(onFault),
    attempting: new Channel(onFault),
    attempted: new Channel(onFault),
    withheld: new Channel(onFault),
    settled: new Channel(onFault),
    circuitOpened: new Channel(onFault),
    spans: new Channel(onFault),
  };
}
