import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  closingQuote,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  stringBetween,
} from './text.js';

/**
 * Matches a number of 16 or more digits in the position of a value; doubles represent all shorter ones exactly. It may
 * also match inside a string.
 */
const MAYBE_LONG = /[:,[][ \t\n\r]*-?[0-9][0-9.]{15}/;
const DIGITS = 15;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** The role of a value in its event. */
export type Role =
  | 'body'
  | 'batch'
  | 'envelope'
  | 'event'
  | 'id'
  | 'name'
  | 'context'
  | 'externalIds'
  | 'identifiers'
  | 'other';

const IDS: ReadonlySet<string> = new Set([
  ...['messageId', 'userId', 'anonymousId', 'groupId', 'previousId'],
]);
/** Numbers in this role become strings as well; objects do not. */
const NAMES: ReadonlySet<string> = new Set(['event', 'name', 'category']);

/**
 * Quotes every id in the JSON text of an event or batch that a double cannot represent, so that it becomes a string of
 * the digits that were sent. A text without such ids is returned unchanged, after one search. `JSON.parse` would turn
 * ten ids beyond 2^53 that differ in the last digit into one number, and so into one event and nine duplicates.
 *
 * An id that is an object or array with such a number becomes its JSON text, as in the canonical form. The `id` of a
 * `context.externalId` or `externalIds` counts as an id, and so do the `identifiers` of a record and an event's names.
 * All other numbers stay numbers. A text that is not JSON stays invalid.
 *
 * `role` is the role of the text if it is only a part of an event.
 */
export function quoteLongIds(text: string, role: Role): string {
  if (!MAYBE_LONG.test(text)) return text;
  return new IdScanner(text, role).rewrite();
}

/** The JSON text of an id with the digits that were sent, without whitespace; undefined if it has no long number. */
export function exactIdText(json: string): string | undefined {
  if (!MAYBE_LONG.test(json)) return undefined;
  try {
    JSON.parse(json);
  } catch {
    return undefined;
  }
  let exact = '';
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) {
      const end = closingQuote(json, at);
      exact += JSON.stringify(stringBetween(json, at, end));
      at = end;
    } else if (startsNumber(code)) {
      const number = numberAt(json, at);
      exact += isLong(number) ? number : JSON.stringify(Number(number));
      at += number.length - 1;
    } else if (code > 0x20) exact += json[at];
  }
  return exact;
}

interface Frame {
  readonly isArray: boolean;
  readonly role: Role;
  key: string;
  expects: 'key' | 'value' | 'mark';
}

/** Scans a text once, with its own stack, and collects the replacements. */
class IdScanner {
  readonly #text: string;
  readonly #root: Role;
  readonly #open: Frame[] = [];
  readonly #pieces: string[] = [];
  #copied = 0;

  constructor(text: string, root: Role) {
    this.#text = text;
    this.#root = root;
  }

  rewrite(): string {
    const text = this.#text;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) at = this.#string(at);
      else if (code === OPEN_BRACE || code === OPEN_BRACKET) at = this.#container(at, code);
      else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) this.#open.pop();
      else if (code === COMMA) this.#expect((frame) => (frame.isArray ? 'value' : 'key'));
      else if (code === COLON) this.#expect(() => 'value');
      else if (startsNumber(code)) at = this.#number(at);
    }
    this.#pieces.push(text.slice(this.#copied));
    return this.#pieces.join('');
  }

  #expect(next: (frame: Frame) => Frame['expects']): void {
    const frame = this.#open.at(-1);
    if (frame !== undefined) frame.expects = next(frame);
  }

  #string(at: number): number {
    const end = closingQuote(this.#text, at);
    const frame = this.#open.at(-1);
    if (frame?.expects === 'key') frame.key = stringBetween(this.#text, at, end) ?? '';
    if (frame !== undefined) frame.expects = 'mark';
    return end;
  }

  #container(at: number, code: number): number {
    const role = this.#takeRole();
    if (role === 'id') {
      const end = endOfContainer(this.#text, at);
      const exact = exactIdText(this.#text.slice(at, end));
      if (exact !== undefined) this.#replace(at, end, JSON.stringify(exact));
      return end - 1;
    }
    const isArray = code === OPEN_BRACKET;
    this.#open.push({ isArray, role, key: '', expects: isArray ? 'value' : 'key' });
    return at;
  }

  #number(at: number): number {
    const number = numberAt(this.#text, at);
    const role = this.#takeRole();
    if ((role === 'id' || role === 'name') && isLong(number)) {
      this.#replace(at, at + number.length, `"${number}"`);
    }
    return at + Math.max(number.length, 1) - 1;
  }

  /** The role of the value that begins here; `other` if no value can. */
  #takeRole(): Role {
    const frame = this.#open.at(-1);
    if (frame === undefined) return this.#root;
    if (frame.expects !== 'value') return 'other';
    frame.expects = 'mark';
    return frame.isArray ? roleOfElement(frame.role) : roleOfMember(frame.role, frame.key);
  }

  #replace(start: number, end: number, by: string): void {
    this.#pieces.push(this.#text.slice(this.#copied, start), by);
    this.#copied = end;
  }
}

/** The role of an array's elements. */
export function roleOfElement(of: Role): Role {
  if (of === 'body' || of === 'batch') return 'event';
  return of === 'externalIds' ? of : 'other';
}

/** The role of an object's member. */
export function roleOfMember(of: Role, key: string): Role {
  if (of === 'body' && key === 'batch') return 'batch';
  if (of === 'envelope') return key === 'event' ? 'event' : 'other';
  // RudderStack's gateway reads a single object as a batch of one.
  if (of === 'body' || of === 'event' || of === 'batch') {
    if (IDS.has(key)) return 'id';
    if (NAMES.has(key)) return 'name';
    if (key === 'context' || key === 'identifiers') return key;
    // The wrapper of Segment's Extensible Webhook around an event of a batch.
    return key === 'json' ? 'event' : 'other';
  }
  if (of === 'context' && (key === 'externalId' || key === 'externalIds')) return 'externalIds';
  if (of === 'identifiers') return 'name';
  return of === 'externalIds' && key === 'id' ? 'name' : 'other';
}

function startsNumber(code: number): boolean {
  return code === 0x2d || (code >= 0x30 && code <= 0x39);
}

function numberAt(text: string, at: number): string {
  NUMBER.lastIndex = at;
  return NUMBER.exec(text)?.[0] ?? '';
}

/** Whether a double cannot represent the number exactly, so that other numbers share its double. */
function isLong(number: string): boolean {
  return (
    number.length > DIGITS &&
    number.replace(/[eE].*|[-.]/g, '').length > DIGITS &&
    String(Number(number)) !== number
  );
}

function endOfContainer(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = closingQuote(text, at);
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
    else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && --depth === 0) return at + 1;
  }
  return text.length;
}
