import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import { decodeOnce } from './encodings.js';
import { LAYERS, spellingsOf } from './spellings.js';

/** Replaces a credential. */
export const MASKED = '[masked]';

/**
 * Removes credentials from what is shown: the configured ones, in any encoding, and every member or field named write
 * key.
 */
export interface Mask {
  text(text: string): string;
  /** Returns the same bytes if there is nothing to mask. */
  bytes(bytes: Buffer): Buffer;
  /** Masks every text and key within. */
  json(value: JsonValue): JsonValue;
}

/** `"writeKey":"…"`, also within a string, in a form, in XML and in multipart. */
const WRITE_KEYS: readonly RegExp[] = [
  /(\\{0,3}"writeKey\\{0,3}"\s{0,9}:\s{0,9}\\{0,3}")[^"\\]+/g,
  /((?:^|[?&.[])write(?:K|%4[bB])ey\]?=)[^&#\s"\\]+/g,
  /(<writeKey(?:\s[^<>]{0,200})?>)[^<]+/g,
  /(name="?writeKey"?\r?\n(?:[^\r\n]{1,200}\r?\n){0,9}\r?\n)[^\r\n]+/g,
];

/** `secrets`: as they are configured. */
export function createMask(secrets: readonly string[]): Mask {
  const pattern = alternatives(secrets.flatMap(spellingsOf));

  const text = (given: string): string => {
    let shown = given;
    if (shown.includes('riteKey') || shown.includes('rite%4')) {
      for (const pattern of WRITE_KEYS) shown = shown.replace(pattern, `$1${MASKED}`);
    }
    return pattern === undefined ? shown : cover(shown, spansOf(pattern, shown));
  };

  const json = (value: JsonValue): JsonValue => {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'number') {
      const written = String(value);
      return text(written) === written ? value : MASKED;
    }
    if (Array.isArray(value)) return value.map(json);
    return isObject(value) ? object(value) : value;
  };

  const object = (value: JsonObject): JsonObject => {
    const shown: JsonObject = {};
    for (const [key, member] of Object.entries(value)) {
      const hides = key === 'writeKey' && member !== null && member !== '';
      // An assignment would treat a key `__proto__` as the prototype.
      Object.defineProperty(shown, text(key), {
        value: hides ? MASKED : json(member),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return shown;
  };

  return {
    text,
    json,
    bytes(bytes) {
      const before = bytes.toString('latin1');
      const shown = text(before);
      return shown === before ? bytes : Buffer.from(shown, 'latin1');
    },
  };
}

type Span = readonly [from: number, to: number];

/** Returns where the pattern matches the text, or the text after removing layers of encoding. */
function spansOf(pattern: RegExp, text: string): Span[] {
  const spans: Span[] = [];
  /** Where the characters of the layer start in the text. */
  let starts: Int32Array | undefined;
  let layer = text;
  for (let taken = 0; ; taken++) {
    for (const { 0: found, index } of layer.matchAll(pattern)) {
      const end = index + found.length;
      spans.push([starts?.[index] ?? index, starts?.[end] ?? end]);
    }
    const next = taken < LAYERS ? decodeOnce(layer) : undefined;
    if (next === undefined) return spans;
    const below = starts;
    starts = below === undefined ? next.starts : next.starts.map((at) => below[at] ?? at);
    layer = next.text;
  }
}

function cover(text: string, spans: readonly Span[]): string {
  let shown = '';
  let done = 0;
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    if (to <= done) continue;
    // A match that overlaps the previous one is covered by the same mask.
    if (from >= done) shown += text.slice(done, from) + MASKED;
    done = to;
  }
  return shown + text.slice(done);
}

/** The longest first: if a secret contains another one, all of it is masked. */
function alternatives(texts: readonly string[]): RegExp | undefined {
  if (texts.length === 0) return undefined;
  const sorted = [...new Set(texts)].sort((a, b) => b.length - a.length);
  return new RegExp(
    sorted.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'),
    'g',
  );
}
