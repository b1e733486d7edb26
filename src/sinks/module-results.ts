import { messageOf } from '../errors.js';
import { printable } from './printable.js';
import { DELIVERED, type DeliveryResult, SinkError } from './sink.js';

const LONGEST_ERROR = 500;

interface Hints {
  readonly retryable: boolean;
  readonly retryAfter?: number;
}

/**
 * What a user's `deliver` returned, as one result an event: nothing at all means that all are delivered, and so does
 * `true`, `undefined` or `{ ok: true }` for one event. Throws a SinkError where the answer fits no batch of this size.
 */
export function resultsOf(returned: unknown, size: number): readonly DeliveryResult[] {
  if (returned === undefined || returned === null || returned === true) {
    return Array.from({ length: size }, () => DELIVERED);
  }
  if (!Array.isArray(returned) || returned.length !== size) {
    const got = Array.isArray(returned) ? `${returned.length} results` : typeof returned;
    throw new SinkError(
      `deliver returned ${got} for ${size} events; return nothing or one result an event`,
      { retryable: true },
    );
  }
  // Not `map`, which skips the holes of `new Array(n)`.
  return Array.from(returned, resultOf);
}

/** What a user's module threw: worth a retry unless it says `retryable: false`. */
export function asSinkError(thrown: unknown): SinkError {
  if (thrown instanceof SinkError) return thrown;
  const text = printable(messageOf(thrown), LONGEST_ERROR);
  return new SinkError(text === '' ? 'failed without a message' : text, {
    ...hintsOf(thrown),
    cause: thrown,
  });
}

function resultOf(result: unknown): DeliveryResult {
  if (result === undefined || result === null || result === true) return DELIVERED;
  if (typeof result === 'object' && 'ok' in result && result.ok === true) return DELIVERED;
  const error = typeof result === 'object' && 'error' in result ? result.error : result;
  const text = printable(messageOf(error), LONGEST_ERROR);
  // Hints may stand beside the error or be its own.
  return { ok: false, ...hintsOf(error), ...hintsIn(result), error: text };
}

function hintsOf(value: unknown): Hints {
  return { retryable: true, ...hintsIn(value) };
}

function hintsIn(value: unknown): Partial<Hints> {
  if (typeof value !== 'object' || value === null) return {};
  const after = 'retryAfter' in value ? value.retryAfter : undefined;
  return {
    ...('retryable' in value &&
      typeof value.retryable === 'boolean' && { retryable: value.retryable }),
    ...(typeof after === 'number' && after >= 0 && Number.isFinite(after) && { retryAfter: after }),
  };
}
