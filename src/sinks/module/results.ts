import { messageOf } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { DELIVERED, type DeliveryResult, SinkError } from '../sink.js';

const LONGEST_ERROR = 500;

interface Hints {
  readonly retryable: boolean;
  readonly retryAfter?: number;
}

/**
 * Converts what an operator's `deliver` returned to one result per event. Nothing at all means that all are delivered;
 * so does `true`, `undefined` or `{ ok: true }` for one event. Throws a SinkError if the result does not match a batch
 * of this size.
 */
export function resultsOf(returned: unknown, size: number): readonly DeliveryResult[] {
  if (returned === undefined || returned === null || returned === true) {
    return Array.from({ length: size }, () => DELIVERED);
  }
  if (!Array.isArray(returned) || returned.length !== size) {
    const got = Array.isArray(returned) ? `${returned.length} results` : typeof returned;
    throw new SinkError(
      `deliver returned ${got} for ${size} events; return nothing, or one result per event`,
      { retryable: true },
    );
  }
  // `map` would skip the holes of `new Array(n)`.
  return Array.from(returned, resultOf);
}

/** Converts an error of an operator's module: retryable unless it says `retryable: false`. */
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
  // Hints may be next to the error or its own properties.
  return { ok: false, message: text, ...hintsOf(error), ...hintsIn(result) };
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
