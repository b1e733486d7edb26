import type { SourceConfig } from '../config/config.js';
import type { ErrorCode, TrackbridgeError, Violation } from '../errors.js';
import type { JsonValue, Vendor } from '../event/event.js';
import type { Verification } from '../verify/combine.js';
import type { Signed } from '../verify/verifier.js';

/** One request, read whole: what a source verifies and decodes. */
export interface Delivery extends Signed {
  /** UUIDv7; also the answer's `x-request-id`. */
  readonly id: string;
  /** The path below the source's own, as it was sent, without a slash in front; '' where there is none. */
  readonly below: string;
  /**
   * Where the sender reached us, as in `https://example.com`; what a proxy says where `server.trustProxy` is on. Hardly any
   * source asks for it. Not a getter: V8 makes a hidden class for each object with one, which keeps its delivery alive.
   */
  readonly origin: () => string;
  /** Of HTTP, as in `1.1`. */
  readonly httpVersion: string;
  /** The sender's address, without its port; a proxy's first hop where `server.trustProxy` says to believe it. */
  readonly remote: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
}

/** An event as it was decoded, before it is made canonical. */
export interface RawEvent {
  readonly value: JsonValue;
  /** Parameters of a query that another one displaced; ends up in `receipt.collisions`. */
  readonly collisions?: readonly string[];
  /** The source it counts for, where its write key names another one than that which took the delivery. */
  readonly source?: string;
  /** What its vendor's own rules have against it; it goes into quarantine with them. */
  readonly violations?: readonly Violation[];
  /** Why nothing authenticates it, in a batch whose items bring their own write keys. */
  readonly unauthenticated?: string;
}

export interface Decoded {
  /** One status stands for a whole batch, so its invalid events are not answered 422. */
  readonly batch: boolean;
  readonly events: readonly RawEvent[];
}

/** How one delivery was taken, for the answer, the log and the metrics. */
export interface Taken {
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
  /** What is wrong with those in quarantine; paths begin with the event's place in the delivery. */
  readonly violations: readonly Violation[];
  /** Items of a batch that nothing authenticates and that are not kept. */
  readonly unauthenticated: number;
  /** Events that this receiver has sent on itself and that came back. */
  readonly looped: number;
}

/** What goes back to a sender, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** How the senders of a vendor's own API are answered, in place of the contract's table. */
export interface Dialect {
  taken(taken: Taken): Answer;
  /** `retryAfter`: whole seconds, where trying again makes sense. */
  refused(error: TrackbridgeError, retryAfter: number | undefined): Answer;
}

/** One configured source: knows its vendor's methods, bodies and the answers it expects. Pure, without Koa. */
export interface Source {
  readonly name: string;
  /** Further names that its events may carry, by write key. */
  readonly names?: ReadonlySet<string>;
  readonly vendor: Vendor;
  readonly config: SourceConfig;
  /** Matches every path that is this source's. */
  readonly route: RegExp;
  /** The methods that this path below the source's own takes. */
  methodsFor(below: string): readonly string[];
  /** What a body that does not arrive in time is answered with, so that this vendor tries again. */
  readonly lateBody: ErrorCode;
  /** Throws NOT_FOUND where the path below names nothing. */
  checkBelow(below: string): void;
  verify(delivery: Delivery, signal: AbortSignal): Verification | Promise<Verification>;
  /** Throws errors of status 400 where the delivery cannot be decoded. */
  decode(delivery: Delivery): Decoded | Promise<Decoded>;
  /** How this path below the source's own answers; undefined: by the contract's table. */
  dialectFor?(below: string, method: string): Dialect | undefined;
  /**
   * What the vendor's API answers by itself, without any event: a health page, a token. Undefined: the delivery goes on
   * to `verify`.
   */
  respond?(
    delivery: Delivery,
    signal: AbortSignal,
  ): Answer | undefined | Promise<Answer | undefined>;
}
