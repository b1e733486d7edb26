import type { CommonSourceConfig } from '../config/config.js';
import type { ErrorCode, TrackbridgeError, Violation } from '../core/errors.js';
import type { JsonValue } from '../core/json.js';
import type { TraceContext } from '../core/observe.js';
import type { Vendor } from '../event/event.js';
import type { Verification } from '../verify/combine.js';
import type { Signed, SignedHead } from '../verify/verifier.js';

/** One HTTP request, completely read, for a source to verify and decode. */
export interface Delivery extends Signed {
  /** UUIDv7; also the answer's `x-request-id`. */
  readonly id: string;
  /** The subpath under the source's own path, as sent and without a leading slash; '' if there is none. */
  readonly subpath: string;
  /**
   * The origin of the URL that the sender used, as in `https://example.com`; taken from the proxy's headers if
   * `server.trustProxy` is set. Few sources call it. It is not a getter: V8 makes a hidden class for each object with
   * one, which keeps the delivery alive.
   */
  readonly origin: () => string;
  /** The HTTP version, as in `1.1`. */
  readonly httpVersion: string;
  /** The sender's address, without its port; taken from the proxy's headers if `server.trustProxy` is set. */
  readonly remote: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** Its span; undefined if it is not traced. */
  readonly trace?: TraceContext | undefined;
}

/** Facts about how an event was sent that a vendor's rules need and its content lacks. */
export interface SentAs {
  /** Bytes of its JSON text as sent; absent if within every limit. */
  readonly bytes?: number;
  /** Its index in the batch; absent if within every limit. */
  readonly position?: number;
  /** Bytes of the batch's shared fields, if they were too many to copy into every event. */
  readonly unmerged?: number;
  /** The event was sent in the query of a pixel's URL. */
  readonly pixel?: boolean;
}

/** A decoded event that is not canonical yet. */
export interface RawEvent {
  readonly value: JsonValue;
  /** Query parameters displaced by another one; reported in `receipt.collisions`. */
  readonly collisions?: readonly string[];
  /** The source it counts for, if its write key names another source than the one that received the delivery. */
  readonly source?: string;
  readonly sent?: SentAs;
  /** Why the event is unauthenticated, in a batch whose items carry their own write keys. */
  readonly unauthenticated?: string;
}

export interface Decoded {
  /** Whether the delivery is a batch. One status covers the whole batch, so invalid events are not answered 422. */
  readonly batch: boolean;
  readonly events: readonly RawEvent[];
}

/** The outcome of an accepted delivery, for the answer, the log and the metrics. */
export interface AcceptedDelivery {
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
  /** Violations of the quarantined events; paths begin with the event's index in the delivery. */
  readonly violations: readonly Violation[];
  /** Unauthenticated items of a batch, which are not stored. */
  readonly unauthenticated: number;
  /** Events that this receiver has already forwarded and that came back. */
  readonly looped: number;
}

/** A complete response to a sender. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** How the API of a vendor answers, which replaces the contract's table. */
export interface Answers {
  accepted(delivery: AcceptedDelivery): Answer;
  /** `retryAfter`: whole seconds, if a retry can succeed. */
  rejected(error: TrackbridgeError, retryAfter: number | undefined): Answer;
}

/** One configured source: its vendor's methods, bodies and expected answers. Independent of Koa. */
export interface Source {
  readonly name: string;
  /** Further source names that its events may have, by write key. */
  readonly names?: ReadonlySet<string>;
  readonly vendor: Vendor;
  readonly config: CommonSourceConfig;
  /** Matches every path of this source. */
  readonly route: RegExp;
  /** The methods that this subpath accepts. */
  methodsFor(subpath: string): readonly string[];
  /** The error for a body that does not arrive in time, chosen so that this vendor retries. */
  readonly lateBody: ErrorCode;
  /** Throws NOT_FOUND if the subpath does not exist. */
  checkSubpath(subpath: string): void;
  /**
   * Why the head alone rejects a delivery, before its body is read; undefined if the head passes or the answer depends
   * on the body.
   */
  rejectedByHead?(head: SignedHead, signal: AbortSignal): string | undefined;
  verify(delivery: Delivery, signal: AbortSignal): Verification | Promise<Verification>;
  /** Throws an error with status 400 if the delivery cannot be decoded. */
  decode(delivery: Delivery): Decoded | Promise<Decoded>;
  /** Violations of the emulated API's rules by a decoded event. */
  violationsOf?(value: JsonValue, sent: SentAs): readonly Violation[];
  /** How this subpath answers; undefined for the contract's table. */
  answersFor?(subpath: string, method: string): Answers | undefined;
  /**
   * Answers requests that carry no event, such as for a health page or a token. Undefined if the delivery goes on to
   * `verify`.
   */
  respond?(
    delivery: Delivery,
    signal: AbortSignal,
  ): Answer | undefined | Promise<Answer | undefined>;
}
