import { TrackbridgeError } from '../errors.js';
import type { Limits } from './limits.js';

/** One parameter of a query, percent-decoded. */
export interface Parameter {
  readonly key: string;
  readonly value: string;
}

/**
 * Splits a raw query (without `?`) into its parameters, in the order of the wire: what stood in the configured URL comes
 * before the event's value of the same key, since RudderStack's router adds to the query that is there.
 *
 * `+` is a space and percent escapes are UTF-8, as Go's url.Values writes them; a parameter without `=` is empty text.
 * Throws QUERY_MALFORMED where an escape is broken or not UTF-8 (it names the parameter by position, since its text is
 * payload), LIMIT_EXCEEDED where there are more parameters than `limits.keys`.
 */
export function readParameters(query: string, limits: Limits): Parameter[] {
  const parameters: Parameter[] = [];
  for (const piece of query.split('&')) {
    if (piece === '') continue;
    if (parameters.length >= limits.keys) throw tooManyKeys(limits);
    const equals = piece.indexOf('=');
    const position = parameters.length + 1;
    parameters.push({
      key: decodeText(equals < 0 ? piece : piece.slice(0, equals), position),
      value: equals < 0 ? '' : decodeText(piece.slice(equals + 1), position),
    });
  }
  return parameters;
}

/** The error for a query that holds, or would become, more keys than `limits.keys`. */
export function tooManyKeys(limits: Limits): TrackbridgeError {
  return new TrackbridgeError(
    'LIMIT_EXCEEDED',
    `the query holds more than ${limits.keys} keys; send smaller events, or use POST`,
  );
}

function decodeText(text: string, position: number): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new TrackbridgeError(
      'QUERY_MALFORMED',
      `parameter ${position} of the query is not percent-encoded UTF-8; encode keys and values as URLs ask for`,
      { cause },
    );
  }
}
