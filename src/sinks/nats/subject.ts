import { TrackbridgeError } from '../../core/errors.js';
import { idText } from '../kit/id-text.js';
import { compileTemplate, PROBE, type Template } from '../kit/template.js';

/** The most characters of a value: a subject is not meant for long texts. */
const LONGEST = 128;

/** Compiles the `subject` option. Throws CONFIG_INVALID if it produces no valid subject to publish to. */
export function compileSubject(subject: string): Template {
  try {
    const compiled = compileTemplate(subject, subjectToken);
    if (!/^[^\s.*>]+(?:\.[^\s.*>]+)*$/.test(compiled(PROBE))) {
      throw new TypeError('must be names between dots, without spaces, "*" and ">"');
    }
    return compiled;
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new TrackbridgeError('CONFIG_INVALID', `subject: ${cause.message}`, { cause });
  }
}

/** Returns all subjects that a template can produce, as a stream's filter: `events.{type}` is `events.*`. */
export function subjectsOf(template: string): string {
  return template
    .split('.')
    .map((token) => (token.includes('{') ? '*' : token))
    .join('.');
}

/**
 * Converts a value to one token of a subject: dots would make several, `*` and `>` are wildcards, whitespace ends the
 * subject on the wire, and `$` begins the server's own subjects.
 */
function subjectToken(value: string): string {
  // Cut by code point, because an unpaired surrogate is not valid text.
  const short = value.length > LONGEST ? Array.from(value).slice(0, LONGEST).join('') : value;
  return short.replace(/[.*>\s\p{Cc}\p{Cs}]|^\$/gu, '_');
}

/** Returns `Nats-Msg-Id` for a deduplication key. A header is one line and loses whitespace around its value. */
export function msgIdOf(dedupeKey: string): string {
  return idText(dedupeKey, (key) => /^[!-~](?:[ -~]*[!-~])?$/.test(key));
}
