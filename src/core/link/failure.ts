import { type ErrorCode, messageOf, TrackbridgeError } from '../errors.js';

/** An error in a form that can be sent over a link. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfter?: number;
  /** The text of the cause. It is for the operator only. */
  readonly cause?: string;
}

export function toFailure(error: unknown): Failure {
  if (!(error instanceof TrackbridgeError)) {
    const message = 'unexpected error in the process that owns the outbox';
    return { code: 'INTERNAL', message, cause: messageOf(error) };
  }
  const { cause, code, message, retryAfter } = error;
  return {
    code,
    message,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(cause === undefined ? {} : { cause: messageOf(cause) }),
  };
}

export function fromFailure({ cause, code, message, retryAfter }: Failure): TrackbridgeError {
  return new TrackbridgeError(code, message, {
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(cause === undefined ? {} : { cause: new Error(cause) }),
  });
}
