import type { Limits } from '../limits.js';
import { tooDeep, tooManyContainers, tooManyKeys } from '../sanitize.js';
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
 * Characters per object or array. They need no keys but cost V8 up to 0.3 µs each, so millions of empty ones stop the
 * event loop for a second. A real body has fewer than one per five characters (`[1,2],` has six); a small body may have
 * more.
 */
const CONTAINERS = 300_000;
const CHARACTERS_A_CONTAINER = 5;

/** Whether a text counts as one value, or its events count one by one. */
type Holds = 'value' | 'events';

/**
 * Checks the limits on the characters of a JSON text, before it is parsed: scanning 8 MB takes 15 ms, parsing hostile
 * text far longer. The text need not be valid JSON. A repeated key counts each time. The key of a wrapper around an
 * event (`{"json": …}`) is not counted. Throws LIMIT_EXCEEDED.
 */
export function checkText(text: string, limits: Limits, holds: Holds): void {
  const mostContainers = Math.max(CONTAINERS, text.length / CHARACTERS_A_CONTAINER);
  const counter = new EventCounter(limits, holds);
  let containers = 0;
  let depth = 0;
  let string = 0;
  let stringEnd = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      string = at;
      stringEnd = at = closingQuote(text, at);
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > limits.depth) throw tooDeep(limits);
      if (++containers > mostContainers) throw tooManyContainers(Math.floor(mostContainers));
      if (depth === 1) counter.opensRoot(code === OPEN_BRACKET);
      else if (depth === 2 && code === OPEN_BRACKET) {
        counter.opensMember(text, string, stringEnd);
      }
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) counter.closes(depth--);
    else if (code === COMMA) counter.comma(depth);
    else if (code === COLON) counter.key();
  }
}

/** Counts the keys of a text per event: the elements of the root array, or of the root object's `batch`. */
class EventCounter {
  readonly #limits: Limits;
  readonly #holds: Holds;
  #keys = 0;
  #most: number;
  /** The depth of the array whose elements are the events; 0 if there is none. */
  #events = 0;
  /** Keys beside the batch, kept while its elements are counted. */
  #beside = 0;
  #isRootArray = false;

  constructor(limits: Limits, holds: Holds) {
    this.#limits = limits;
    this.#holds = holds;
    this.#most = limits.keys;
  }

  opensRoot(isArray: boolean): void {
    this.#isRootArray = isArray;
    if (isArray && this.#holds === 'events') this.#enter(1);
  }

  /**
   * Called for an array in the root container. Between the quotes is the string before it, which in an object is its
   * name.
   */
  opensMember(text: string, open: number, close: number): void {
    if (this.#holds === 'value' || this.#isRootArray) return;
    if (stringBetween(text, open, close) !== 'batch') return;
    this.#beside = this.#keys;
    this.#enter(2);
  }

  closes(depth: number): void {
    if (depth !== this.#events || depth === 0) return;
    this.#events = 0;
    this.#keys = this.#beside;
    this.#most = this.#limits.keys;
  }

  comma(depth: number): void {
    if (depth === this.#events) this.#keys = 0;
  }

  key(): void {
    if (++this.#keys > this.#most) throw tooManyKeys(this.#limits);
  }

  #enter(depth: number): void {
    this.#events = depth;
    this.#keys = 0;
    // One more for the wrapper of an element.
    this.#most = this.#limits.keys + 1;
  }
}
