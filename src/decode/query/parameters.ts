import { TrackbridgeError } from '../../core/errors.js';
import type { Limits } from '../limits.js';

/** One parameter of a query, percent-decoded. */
export interface Parameter {
  readonly key: string;
  readonly value: string;
}

/**
 * Splits a raw query (without `?`) into its parameters, in the order sent. RudderStack's router appends to the
 * configured URL's query, so the URL's parameters come before the event's of the same key.
 *
 * `+` is a space and percent escapes are UTF-8, as Go's url.Values writes them; a parameter without `=` has an empty
 * text. Throws QUERY_MALFORMED if an escape is broken or not UTF-8 (the error names the parameter by position, because
 * its text is payload), LIMIT_EXCEEDED if there are more parameters than `limits.keys`.
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
    `the query has over ${limits.keys} keys; send smaller events, or use POST`,
  );
}

function decodeText(text: string, position: number): string {
  // Most texts have nothing to decode, and looking for it costs a tenth of decoding.
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new TrackbridgeError(
      'QUERY_MALFORMED',
      `parameter ${position} of the query is not percent-encoded UTF-8; percent-encode keys and values`,
      { cause },
    );
  }
}
