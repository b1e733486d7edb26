/**
 * Every code this program fails with, and what a sender is told about it.
 *
 * The statuses follow what both vendors do with them: Segment and RudderStack drop an event for good on any 4xx but 429
 * (RudderStack: and 408), and retry on 5xx. So whatever is our fault or may pass by itself is a 503, never a 4xx.
 */
const CODES = {
  BODY_EMPTY: { status: 400, title: 'The body is empty' },
  BODY_MALFORMED: { status: 400, title: 'The body cannot be decoded' },
  LIMIT_EXCEEDED: { status: 400, title: 'The body is beyond a limit' },
  QUERY_MALFORMED: { status: 400, title: 'The query cannot be decoded' },
  REQUEST_MALFORMED: { status: 400, title: 'The request is not valid HTTP' },
  UNAUTHENTICATED: { status: 401, title: 'The delivery is not authenticated' },
  TOKEN_INVALID: { status: 401, title: 'The access token is not valid' },
  FORBIDDEN: { status: 403, title: 'The request is not allowed' },
  NOT_FOUND: { status: 404, title: 'There is nothing here' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The method is not allowed here' },
  BODY_ABORTED: { status: 400, title: 'The sender hung up' },
  BODY_TIMEOUT: { status: 408, title: 'The body did not arrive in time' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  CODING_UNKNOWN: { status: 415, title: 'The content coding is not known' },
  EVENT_INVALID: { status: 422, title: 'The event is not valid' },
  RATE_LIMITED: { status: 429, title: 'Too many deliveries' },
  HEAD_TOO_LARGE: { status: 431, title: 'The request line and headers are too large' },
  INTERNAL: { status: 503, title: 'The delivery could not be taken now' },
  DRAINING: { status: 503, title: 'The receiver is shutting down' },
  BUDGET_SPENT: { status: 503, title: 'The delivery could not be made durable in time' },
  KEYS_UNAVAILABLE: { status: 503, title: 'The keys to check the delivery with cannot be fetched' },
  OVERLOADED: { status: 503, title: 'The receiver is overloaded' },
  QUARANTINE_FULL: { status: 503, title: 'The quarantine is full' },
  OUTBOX_FULL: { status: 503, title: 'The outbox is full' },
  OUTBOX_UNAVAILABLE: { status: 503, title: 'The outbox cannot be written' },
  OUTBOX_CORRUPT: { status: 503, title: 'The outbox file is damaged' },
  CONFIG_INVALID: { status: 500, title: 'The configuration is not valid' },
  START_FAILED: { status: 500, title: 'The receiver cannot start' },
} as const;

export type ErrorCode = keyof typeof CODES;

/** One thing that is wrong with an event or a configuration: where (a JSON pointer, '' for the root) and what. */
export interface Violation {
  readonly path: string;
  readonly message: string;
}

export interface ErrorDetails {
  readonly cause?: unknown;
  /** For 429 and 503: after how many milliseconds trying again makes sense. */
  readonly retryAfter?: number;
  readonly errors?: readonly Violation[];
  /** Response headers that belong to the answer, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The base of every error this program raises on purpose.
 *
 * `message` is public: it says in one line what happened and what to do next, and never holds a secret, a payload or a
 * path of this machine. What only the operator may see goes into `cause`.
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

/** The public text of anything that was thrown: ours as it stands, others by their own message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
