import { createHash } from 'node:crypto';
import { TrackbridgeError } from '../errors.js';
import { compileTemplate, PROBE, type Template } from './template.js';

/** Characters of a value; a subject is no place for texts. */
const LONGEST = 128;

/** Compiles the `subject` option. Throws CONFIG_INVALID where it makes no subject that can be published to. */
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

/** All subjects that a template can make, as a stream takes them: `events.{type}` is `events.*`. */
export function subjectsOf(template: string): string {
  return template
    .split('.')
    .map((token) => (token.includes('{') ? '*' : token))
    .join('.');
}

/**
 * Makes a value one token of a subject: dots would make several, `*` and `>` are wildcards, white space ends the subject on
 * the wire, and `$` begins those of the server itself.
 */
function subjectToken(value: string): string {
  // Cut by code point: half of a surrogate pair is no text.
  const short = value.length > LONGEST ? Array.from(value).slice(0, LONGEST).join('') : value;
  return short.replace(/[.*>\s\p{Cc}\p{Cs}]|^\$/gu, '_');
}

/**
 * What `Nats-Msg-Id` says of a messageId: itself, or its SHA-256 where a header cannot hold it, since a header is a line and
 * loses what is around its value.
 */
export function msgIdOf(messageId: string): string {
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(messageId)) return messageId;
  // UTF-16, in which halves of surrogate pairs stay different.
  return `sha256:${createHash('sha256').update(messageId, 'utf16le').digest('hex')}`;
}
