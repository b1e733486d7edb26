import type { SourceConfig } from '../config/config.js';
import type { ErrorCode } from '../errors.js';
import type { JsonValue, Vendor } from '../event/event.js';
import type { Verification } from '../verify/combine.js';
import type { Signed } from '../verify/verifier.js';

/** One request, read whole: what a source verifies and decodes. */
export interface Delivery extends Signed {
  /** UUIDv7; also the answer's `x-request-id`. */
  readonly id: string;
  /** The path below the source's own, as it was sent, without a slash in front; '' where there is none. */
  readonly below: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
}

/** An event as it was decoded, before it is made canonical. */
export interface RawEvent {
  readonly value: JsonValue;
  /** Parameters of a query that another one displaced; ends up in `receipt.collisions`. */
  readonly collisions?: readonly string[];
}

export interface Decoded {
  /** One status stands for a whole batch, so its invalid events are not answered 422. */
  readonly batch: boolean;
  readonly events: readonly RawEvent[];
}

/** One configured source: knows its vendor's methods, bodies and the answers it expects. Pure, without Koa. */
export interface Source {
  readonly name: string;
  readonly vendor: Vendor;
  readonly config: SourceConfig;
  readonly methods: readonly string[];
  /** Whether paths below the source's own are its as well. */
  readonly takesBelow: boolean;
  /** What a body that does not arrive in time is answered with, so that this vendor tries again. */
  readonly lateBody: ErrorCode;
  /** Throws NOT_FOUND where the path below names nothing. */
  checkBelow(below: string): void;
  verify(delivery: Delivery, signal: AbortSignal): Verification | Promise<Verification>;
  /** Throws errors of status 400 where the delivery cannot be decoded. */
  decode(delivery: Delivery): Decoded | Promise<Decoded>;
}
