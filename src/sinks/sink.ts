import type { Clock } from '../clock.js';
import type { CanonicalEvent } from '../event/event.js';

/** An event on its way to a sink. `json` is what is sent; `event` is parsed when first looked at. */
export interface SinkEvent {
  readonly messageId: string;
  /** The JSON text to send: the canonical event, or its CloudEvents form where `format: cloudevents` is set. */
  readonly json: string;
  /** The canonical event, for templates and columns. */
  readonly event: CanonicalEvent;
}

/** How one event of a batch fared; `retryAfter` (milliseconds) and `excerpt` as in SinkErrorDetails. */
export type DeliveryResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly retryable: boolean;
      readonly retryAfter?: number;
      readonly error: string;
      readonly excerpt?: string;
    };

export const DELIVERED: DeliveryResult = { ok: true };

/**
 * The run-time part of a sink. It makes one attempt and never retries: retries, order and dead letters belong to the
 * dispatcher. Every sink passes `test/sinks/contract.ts`.
 */
export interface Sink {
  /** Makes ready to deliver. Throws a SinkError; the dispatcher tries again. */
  open(): Promise<void>;

  /**
   * One attempt at these events, in their order; at least one, at most `batch.size`. Resolves to one result an event, in
   * the same order; throws a SinkError only where the whole batch failed. Where it failed for good, the dispatcher
   * halves the batch until it has found the event that is the cause. Stops when `signal` aborts. May be called again
   * before the last call has ended, once per lane.
   */
  deliver(batch: readonly SinkEvent[], signal: AbortSignal): Promise<readonly DeliveryResult[]>;

  /** Says in one line, by throwing a SinkError, what would keep deliveries from arriving. For `check --connect`. */
  check(): Promise<void>;

  /** Flushes and lets go of everything. May be called without `open`, and twice. */
  close(): Promise<void>;
}

export interface SinkContext {
  /** The sink's name in the configuration. */
  readonly name: string;
  readonly clock: Clock;
  /** Names this receiver in the events it sends on, so that it recognises them when they come back. */
  readonly bridgeId: () => string;
  /** What `SinkEvent.json` holds, for sinks that name a content type; `canonical` where absent. */
  readonly format?: 'canonical' | 'cloudevents';
  readonly log: {
    warn(fields: object, message: string): void;
    info(fields: object, message: string): void;
  };
}

/**
 * The configuration-time part of a sink: a new sink is one file with one of these, its options in
 * `schemas/sinks/<type>.schema.json`, one test, one line in `registry.ts`.
 */
export interface SinkType {
  readonly type: string;
  /** Builds the sink from options that its schema has validated and filled with defaults. */
  create(options: Readonly<Record<string, unknown>>, context: SinkContext): Sink | Promise<Sink>;
  /** The largest batch that makes sense with these options: 1 where each event is a request of its own. */
  maxBatch?(options: Readonly<Record<string, unknown>>): number;
  /** When a batch goes out before it has `batch.size` events, where the sink has its own say in that. */
  fill?(options: Readonly<Record<string, unknown>>): BatchFill;
}

/** A batch goes out `wait` milliseconds after its first event (`batch.wait` where absent), or once it has so many `bytes`. */
interface BatchFill {
  readonly wait?: number;
  readonly bytes?: number;
}

export interface SinkErrorDetails {
  readonly retryable: boolean;
  /** Milliseconds, where the far side said when to come again. */
  readonly retryAfter?: number;
  /** What the far side said, one line: kept with the dead letter and never logged, since it may repeat the payload. */
  readonly excerpt?: string;
  readonly cause?: unknown;
}

/** A whole batch failed. `message` is one line without secrets and payload. */
export class SinkError extends Error {
  readonly retryable: boolean;
  readonly retryAfter: number | undefined;
  readonly excerpt: string | undefined;

  constructor(message: string, details: SinkErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'SinkError';
    this.retryable = details.retryable;
    this.retryAfter = details.retryAfter;
    this.excerpt = details.excerpt;
  }
}

/** What became of each event of a batch that failed as a whole. */
export function resultOf({ excerpt, message, retryable, retryAfter }: SinkError): DeliveryResult {
  return {
    ok: false,
    retryable,
    error: message,
    ...(retryAfter !== undefined && { retryAfter }),
    ...(excerpt !== undefined && { excerpt }),
  };
}

/** The SinkError that `sent` rejects with; undefined where it resolves. Any other rejection is passed on. */
export async function failureOf(sent: Promise<void>): Promise<SinkError | undefined> {
  try {
    await sent;
    return undefined;
  } catch (error) {
    if (error instanceof SinkError) return error;
    throw error;
  }
}
