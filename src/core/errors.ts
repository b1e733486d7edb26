/**
 * Every error code of this program, with the status and title that a sender gets.
 *
 * The statuses follow the vendors' retry rules. Segment and RudderStack permanently drop an event on any 4xx except 429
 * (RudderStack: also except 408) and retry on 5xx. So every fault that is ours or may pass by itself is a 503, never a
 * 4xx.
 */
const CODES = {
  BODY_EMPTY: { status: 400, title: 'The body is empty' },
  BODY_MALFORMED: { status: 400, title: 'The body cannot be decoded' },
  LIMIT_EXCEEDED: { status: 400, title: 'The body exceeds a limit' },
  QUERY_MALFORMED: { status: 400, title: 'The query cannot be decoded' },
  REQUEST_MALFORMED: { status: 400, title: 'The request is not valid HTTP' },
  UNAUTHENTICATED: { status: 401, title: 'The delivery is not authenticated' },
  TOKEN_INVALID: { status: 401, title: 'The access token is not valid' },
  FORBIDDEN: { status: 403, title: 'The request is not allowed' },
  NOT_FOUND: { status: 404, title: 'Not found' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The method is not allowed here' },
  BODY_ABORTED: { status: 400, title: 'The sender closed the connection' },
  BODY_TIMEOUT: { status: 408, title: 'The body did not arrive in time' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  CODING_UNKNOWN: { status: 415, title: 'The content coding is not supported' },
  EVENT_INVALID: { status: 422, title: 'The event is not valid' },
  RATE_LIMITED: { status: 429, title: 'Too many deliveries' },
  HEAD_TOO_LARGE: { status: 431, title: 'The request line and headers are too large' },
  INTERNAL: { status: 503, title: 'The delivery could not be accepted' },
  DRAINING: { status: 503, title: 'The receiver is shutting down' },
  BUDGET_SPENT: { status: 503, title: 'The delivery could not be made durable in time' },
  KEYS_UNAVAILABLE: { status: 503, title: 'The verification keys cannot be fetched' },
  OVERLOADED: { status: 503, title: 'The receiver is overloaded' },
  QUARANTINE_FULL: { status: 503, title: 'The quarantine is full' },
  OUTBOX_FULL: { status: 503, title: 'The outbox is full' },
  OUTBOX_UNAVAILABLE: { status: 503, title: 'The outbox cannot be written' },
  LANE_LOST: { status: 503, title: 'Another consumer has taken over the lane' },
  OUTBOX_CORRUPT: { status: 503, title: 'The outbox file is damaged' },
  RELOAD_REJECTED: { status: 422, title: 'The configuration is not valid' },
  CONFIG_INVALID: { status: 500, title: 'The configuration is not valid' },
  START_FAILED: { status: 500, title: 'The receiver cannot start' },
} as const;

export type ErrorCode = keyof typeof CODES;

/** One fault of an event or a configuration: where it is (a JSON pointer, '' for the root) and what it is. */
export interface Violation {
  readonly path: string;
  readonly message: string;
}

export interface ErrorDetails {
  readonly cause?: unknown;
  /** For 429 and 503: milliseconds until a retry. */
  readonly retryAfter?: number;
  readonly errors?: readonly Violation[];
  /** Response headers that belong to the answer, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The base of every error this program raises on purpose.
 *
 * `message` is public. It says in one line what happened and what to do next, and never contains a secret, a payload or
 * a local path. Details for the operator only go into `cause`.
 */
export class TrackbridgeError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly title: string;
  readonly retryAfter: number | undefined;
  readonly errors: readonly Violation[] | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TrackbridgeError';
    this.code = code;
    this.status = CODES[code].status;
    this.title = CODES[code].title;
    this.retryAfter = details.retryAfter;
    this.errors = details.errors;
    this.headers = details.headers;
  }
}

/**
 * Builds CONFIG_INVALID for a fault without a position in the configuration file: an option of a sink, an environment
 * variable, one of our own files.
 */
export function configInvalid(message: string, cause?: unknown): TrackbridgeError {
  const errors = [{ path: '', message }];
  return new TrackbridgeError('CONFIG_INVALID', message, { errors, cause });
}

/**
 * The message of anything that was thrown. If every address of a host fails, Node reports one error with an empty message
 * and the real ones inside.
 */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(messageOf).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}

/**
 * Returns anything that was thrown as an error that can be logged. Of an object that is not an error, only the kind is
 * shown: it may hold a payload, and need not have a `toString`.
 */
export function errorOf(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const name = typeof thrown === 'object' ? Object.prototype.toString.call(thrown) : String(thrown);
  return new Error(`a thrown value that is not an error: ${name}`);
}
