import type { SinkOptions } from '../config/config.js';
import type { Clock } from '../core/clock.js';
import type { TraceContext } from '../core/observe.js';
import type { CanonicalEvent } from '../event/event.js';

/** An event to deliver to a sink. `json` is what is sent; `event` is parsed on first access. */
export interface SinkEvent {
  readonly messageId: string;
  /** `receipt.dedupeKey`: sinks deduplicate by it, so that no other source's event displaces this one. */
  readonly dedupeKey: string;
  /** The JSON text to send: the canonical event, or its CloudEvents form with `format: cloudevents`. */
  readonly json: string;
  /** The canonical event, for templates and columns. */
  readonly event: CanonicalEvent;
  /** The span of the delivery that brought it, for the headers of its message; undefined if it is not traced. */
  readonly trace?: TraceContext | undefined;
}

/** Why an event was not delivered. */
export interface Failure {
  /** One line without secrets and payload, because it is logged. */
  readonly message: string;
  /**
   * What the server answered, in one line. It may repeat the payload, so it is stored with the dead letter and never
   * logged.
   */
  readonly farSide?: string;
  readonly retryable: boolean;
  /** Milliseconds, if the server said when to retry. */
  readonly retryAfter?: number;
  /** The operator's own code did not return: it took too long, or its process ended. Few such attempts are made. */
  readonly crashed?: true;
}

/** The result of one event of a batch. */
export type DeliveryResult = { readonly ok: true } | Failed;

export interface Failed extends Failure {
  readonly ok: false;
}

export const DELIVERED: DeliveryResult = { ok: true };

export function isTransient(result: DeliveryResult): boolean {
  return !result.ok && result.retryable;
}

/**
 * The run-time part of a sink. It makes one attempt and never retries: retries, order and dead letters belong to the
 * dispatcher. Every sink passes `test/sinks/contract.ts`.
 */
export interface Sink {
  /** Prepares for deliveries. Throws a SinkError; the dispatcher retries. */
  open(): Promise<void>;

  /**
   * Makes one attempt at these events, in order; at least one, at most `batch.size`. Resolves to one result per event,
   * in the same order; throws a SinkError only if the whole batch failed. If it failed permanently, the dispatcher
   * halves the batch until it finds the event that is the cause. Stops when `signal` aborts. Each lane may call it
   * while other calls are running. `trace` is the span of the attempt, for the headers of a request that carries the
   * whole batch.
   */
  deliver(
    batch: readonly SinkEvent[],
    signal: AbortSignal,
    trace?: TraceContext,
  ): Promise<readonly DeliveryResult[]>;

  /** Throws a SinkError that says in one line what would prevent deliveries. Used by `check --connect`. */
  check(): Promise<void>;

  /** Flushes and releases everything. May be called without `open`, and twice. */
  close(): Promise<void>;
}

export interface SinkContext {
  /** The sink's name in the configuration. */
  readonly name: string;
  readonly clock: Clock;
  /** The names of the receiver's sources, for tables and topics that are named after them; none in tests. */
  readonly sources?: readonly string[];
  /** Identifies this receiver in the events it sends, so that it recognizes them if they return. */
  readonly bridgeId: () => string;
  /** What a sink counts itself; absent if no metrics are exported, as in `check`. */
  readonly metrics?: {
    /** Names in `integrations` that the vendor has no destination for. */
    unmappedIntegrations(names: number): void;
    /** Values of events that the destination has no column for and that are therefore not written. */
    unplacedValues(values: number): void;
  };
  /** The content of `SinkEvent.json`, for sinks that send a content type; `canonical` by default. */
  readonly format?: 'canonical' | 'cloudevents';
  readonly log: Readonly<
    Record<'debug' | 'info' | 'warn' | 'error', (fields: object, message: string) => void>
  >;
}

/**
 * The configuration-time part of a sink. A new sink is one file with one of these, its options in
 * `schemas/sinks/<type>.schema.json`, one test, and one line in `registry.ts`.
 */
export interface SinkType<Type extends keyof SinkOptions> {
  readonly type: Type;
  /** Builds the sink from options that its schema has validated and filled with defaults. */
  create(options: SinkOptions[Type], context: SinkContext): Sink | Promise<Sink>;
  /** The largest useful batch with these options: 1 if each event is a request of its own. */
  maxBatch?(options: SinkOptions[Type]): number;
  /** When a batch goes out before it has `batch.size` events, if the sink decides that itself. */
  fill?(options: SinkOptions[Type]): BatchFill;
}

/**
 * A batch goes out `wait` milliseconds after its first event (default `batch.wait`), or once it has this many `bytes`.
 */
export interface BatchFill {
  readonly wait?: number;
  readonly bytes?: number;
}

export interface SinkErrorDetails extends Omit<Failure, 'message'> {
  readonly cause?: unknown;
}

/** A whole batch failed; its fields are those of a `Failure`. */
export class SinkError extends Error {
  readonly retryable: boolean;
  readonly retryAfter: number | undefined;
  readonly farSide: string | undefined;
  readonly crashed: true | undefined;

  constructor(message: string, details: SinkErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'SinkError';
    this.retryable = details.retryable;
    this.retryAfter = details.retryAfter;
    this.farSide = details.farSide;
    this.crashed = details.crashed;
  }
}

/** Returns the result of each event of a batch that failed as a whole. */
export function resultOf({ farSide, message, retryable, retryAfter }: SinkError): Failed {
  return {
    ok: false,
    message,
    ...(farSide !== undefined && { farSide }),
    retryable,
    ...(retryAfter !== undefined && { retryAfter }),
  };
}

/** Resolves to the SinkError that `sent` rejects with; undefined if it resolves. Any other rejection is passed on. */
export async function sinkErrorOf(sent: Promise<void>): Promise<SinkError | undefined> {
  try {
    await sent;
    return undefined;
  } catch (error) {
    if (error instanceof SinkError) return error;
    throw error;
  }
}
