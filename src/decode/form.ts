import { TrackbridgeError } from '../errors.js';
import type { JsonObject } from '../event/event.js';
import { objectOfFields } from './form-tree.js';
import type { Limits } from './limits.js';
import { tooManyKeys } from './sanitize.js';

// A percent sign that starts no escape: hand-written forms hold such, and mean the sign.
const STRAY_PERCENT = /%(?![0-9a-fA-F]{2})/g;

/**
 * The object that an `application/x-www-form-urlencoded` text stands for; how names nest and what becomes of JSON in
 * values is said at `objectOfFields`. A name without `=` has the empty text.
 *
 * Throws BODY_MALFORMED where escapes are not UTF-8 (it names the field by position, since its text is payload), and
 * LIMIT_EXCEEDED.
 */
export function decodeForm(text: string, limits: Limits): JsonObject {
  return objectOfFields(formFields(text.trim(), limits), limits);
}

/** Whether a text without a label can be taken for a form: a name, `=`, and no white space anywhere. */
export function looksLikeForm(text: string): boolean {
  return /^[^\s=&]+=\S*$/.test(text.trim());
}

/** The names and texts of a form in order, as they stand: brackets mean nothing. Throws as `decodeForm` does. */
export function* formFields(text: string, limits: Limits): Generator<readonly [string, string]> {
  let position = 0;
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('&', start);
    const field = text.slice(start, end === -1 ? text.length : end);
    start = end === -1 ? text.length : end + 1;
    if (field === '') continue;
    // Also where a few names come again and again.
    if (++position > limits.keys) throw tooManyKeys(limits);
    const equals = field.indexOf('=');
    const name = equals === -1 ? field : field.slice(0, equals);
    const value = equals === -1 ? '' : field.slice(equals + 1);
    yield [unescapeText(name, position), unescapeText(value, position)];
  }
}

function unescapeText(text: string, position: number): string {
  const spaced = text.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced.replace(STRAY_PERCENT, '%25'));
  } catch (cause) {
    const detail = `field ${position} of the form is not percent-encoded UTF-8; send forms in UTF-8`;
    throw new TrackbridgeError('BODY_MALFORMED', detail, { cause });
  }
}
