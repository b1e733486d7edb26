import type { JsonValue } from '../../core/json.js';

// The inspector's view of deliveries as JSON: masked and redacted, never the original bytes. The page, the terminal and
// the admin API share these types.

/** One delivery in a line. */
export interface DeliverySummary {
  /** Also the answer's `x-request-id`. */
  readonly id: string;
  /** When it was received, RFC 3339. */
  readonly at: string;
  /** The member that received it, if members share a store. */
  readonly member?: string;
  /** Empty if no source has the path. */
  readonly source: string;
  readonly method: string;
  /** With its query, at most 2,000 characters. */
  readonly path: string;
  readonly remote: string;
  /** The status of the answer. */
  readonly status: number;
  /** A word a row of the table of answers, as in the metrics: `accepted`, `unauthenticated`. */
  readonly outcome: string;
  /** If it was rejected: the error's code, and the answer in words. */
  readonly code?: string;
  readonly detail?: string;
  /** From its first byte to the answer. */
  readonly ms: number;
  /** Of the body, after its content coding was undone. */
  readonly bytes: number;
  /** Null if it was rejected before verification. */
  readonly verified: boolean | null;
  /** The schemes that were valid, such as `segment-signature`, `a+b`; `none`. */
  readonly verifiedBy?: string;
  /** Why it is not authenticated. */
  readonly reason?: string;
  /** Events in it. */
  readonly count: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
  readonly looped: number;
  readonly first?: FirstEvent;
  /** What each sink made of the accepted events so far. */
  readonly sinks: readonly SinkTally[];
}

/** What identifies a delivery to people: its first event. */
export interface FirstEvent {
  readonly type?: string;
  readonly event?: string;
  /** `userId`, else `anonymousId`. */
  readonly user?: string;
  readonly messageId?: string;
}

/**
 * Accepted events by where they are with one sink now; the numbers add up to all of them.
 *
 * @public
 */
export interface SinkTally {
  readonly sink: string;
  readonly delivered: number;
  /** Failed so far, and retried. */
  readonly failed: number;
  /** Not attempted yet. */
  readonly pending: number;
  /** Filtered by `where` or `transform`. */
  readonly skipped: number;
  readonly dead: number;
}

/** One delivery opened. */
export interface DeliveryRecord extends DeliverySummary {
  readonly request: RecordedRequest;
  /** What the signature is over; absent where none held. */
  readonly signed?: SignedPart;
  readonly answer: {
    readonly status: number;
    readonly headers: readonly HeaderLine[];
    readonly body: string;
  };
  /** At most 200 of a batch. */
  readonly events: readonly EventRecord[];
  /** At most 2,000, the newest. */
  readonly attempts: readonly AttemptRecord[];
  readonly attemptsDropped: number;
}

export type HeaderLine = readonly [name: string, value: string];

interface RecordedRequest {
  readonly httpVersion: string;
  readonly headers: readonly HeaderLine[];
  readonly contentEncoding?: string;
  /** Base64 of at most 1 MB, after the content coding was undone. */
  readonly body: string;
  readonly bodyBytes: number;
  readonly bodyTruncated: boolean;
  /** What is shown differs from what was received: a value was redacted, or a secret masked. */
  readonly bodyRedacted: boolean;
}

export interface SignedPart {
  readonly part: 'body' | 'first-element' | 'first-element-json' | 'header' | 'token';
  /** Bytes of the body, `to` exclusive. */
  readonly from?: number;
  readonly to?: number;
  /** Which of several secrets, from 1. */
  readonly secret?: number;
}

export interface EventRecord {
  /** Its place in the delivery, from 0. */
  readonly index: number;
  readonly outcome: 'accepted' | 'duplicate' | 'quarantined' | 'looped' | 'refused';
  /** The outbox's. */
  readonly eventId?: string;
  readonly messageId?: string;
  readonly authenticated: boolean;
  readonly decoded: JsonValue;
  readonly canonical?: JsonValue;
  readonly violations: readonly { readonly path: string; readonly message: string }[];
}

/** One attempt of a sink at events of one delivery. */
export interface AttemptRecord {
  readonly at: string;
  /** The member that made it, if members share a store. */
  readonly member?: string;
  readonly sink: string;
  readonly eventIds: readonly string[];
  readonly ms: number;
  readonly outcome: 'delivered' | 'transient' | 'permanent' | 'skipped';
  readonly error?: string;
  /** What the server answered, which may repeat the event. */
  readonly farSide?: string;
}

/** A delivery as a file that can be sent again: `tail --save`, "save as fixture", `send --replay`. */
export interface Fixture {
  readonly trackbridge: 1;
  readonly recordedAt: string;
  readonly source: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly httpVersion: string;
  /** Without masked headers, and without those that the sender's HTTP client writes itself. */
  readonly headers: readonly HeaderLine[];
  /** Without content coding. */
  readonly body: { readonly text: string } | { readonly base64: string };
  readonly redacted: boolean;
  /** Names of the headers that are omitted because they hold a credential. */
  readonly masked: readonly string[];
  /** Which part of the body its signature was over; absent where none held, or nothing of the body is signed. */
  readonly signed?: 'body' | 'first-element' | 'first-element-json';
}

/** What `GET /api/live` sends, by the name of the event. */
export interface LiveEvents {
  readonly hello: {
    readonly recording: boolean;
    readonly version: string;
    /** The name of this member, if members share a store. */
    readonly member?: string;
    readonly sources: readonly string[];
    readonly sinks: readonly string[];
    /** Where deliveries for the first source go; absent where there is no source, or no listener of one's own. */
    readonly target?: string;
  };
  readonly delivery: DeliverySummary | DeliveryRecord;
  readonly attempt: AttemptRecord & { readonly deliveryId: string };
  readonly stats: LiveStats;
  /** So many deliveries of a member are not shown, because they were too many at once. */
  readonly dropped: { readonly member: string; readonly deliveries: number };
  /** The last event: the subscriber was too slow and is disconnected. */
  readonly lag: { readonly waiting: number };
}

export interface LiveStats {
  readonly at: string;
  /** Deliveries of the last second. */
  readonly received: number;
  readonly accepted: number;
  readonly refused: number;
  /** Milliseconds from first byte to answer; 0 where none came. */
  readonly p50: number;
  readonly p99: number;
  readonly sinks: readonly {
    readonly name: string;
    readonly pending: number;
    readonly oldestAgeMs: number;
    readonly delivered: number;
    /** Filtered by the sink's `where` or `transform`. */
    readonly filtered: number;
    readonly deadLetters: number;
    readonly state?: string;
    readonly circuit?: string;
  }[];
}
