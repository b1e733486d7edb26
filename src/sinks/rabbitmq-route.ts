import { TrackbridgeError } from '../errors.js';
import { compileTemplate, type Template } from './template.js';

/** AMQP's short strings, which names, keys and ids are, hold 255 bytes. */
export const LONGEST_NAME = 255;

const PLACEHOLDER = /\{[^{}]*\}/g;
// A dot begins a new word of a routing key, and `*` and `#` stand for words in bindings.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this replaces
const UNFIT = /[\u0000-\u001f\u007f-\u009f.*#]/g;

export interface RouteOptions {
  readonly exchange: string;
  readonly routingKey?: string;
  readonly queue?: string;
  readonly declare: boolean;
}

/** Where an event is published to. */
export interface Route {
  readonly exchange: Template;
  readonly routingKey: Template;
  /** The exchange's name, `''` for the default exchange; undefined where events choose it. */
  readonly fixedExchange: string | undefined;
  /** The routing key; undefined where events choose it. */
  readonly fixedKey: string | undefined;
}

/**
 * Where events go. Without an exchange that is the queue itself, through the default exchange, which routes by the name of
 * the queue. Throws CONFIG_INVALID where the options contradict each other or hold an unknown field.
 */
export function routeOf({ exchange, routingKey, queue, declare }: RouteOptions): Route {
  if (exchange === '' && queue === undefined && routingKey === undefined) {
    throw invalid('queue', 'say where events go: a queue, or an exchange');
  }
  if (exchange === '' && queue !== undefined && routingKey !== undefined) {
    throw invalid(
      'routingKey',
      'without an exchange the key is the name of the queue; leave it out',
    );
  }
  if (declare && queue === undefined && (exchange === '' || !isFixed(exchange))) {
    throw invalid('declare', 'there is neither a queue nor one exchange to declare');
  }
  if (declare && !isFixed(exchange)) {
    throw invalid(
      'declare',
      'the exchange depends on the event, and cannot be declared beforehand',
    );
  }
  const key = routingKey ?? (exchange === '' ? (queue ?? '') : '{type}');
  return {
    exchange: templateOf('exchange', exchange),
    // A queue's name is no template: braces in it are its own.
    routingKey: key === queue ? () => key : templateOf('routingKey', key),
    fixedExchange: isFixed(exchange) ? exchange : undefined,
    fixedKey: key === queue || isFixed(key) ? key : undefined,
  };
}

function isFixed(text: string): boolean {
  return text.search(PLACEHOLDER) === -1;
}

/** Values share what the text leaves of the 255 bytes, so that no value pushes out what follows it. */
function templateOf(option: string, text: string): Template {
  const places = text.match(PLACEHOLDER)?.length ?? 0;
  const left = LONGEST_NAME - Buffer.byteLength(text.replace(PLACEHOLDER, ''));
  const longest = places === 0 ? left : Math.floor(left / places);
  if (longest < Math.min(places, 1)) throw invalid(option, `is over ${LONGEST_NAME} bytes long`);
  try {
    return compileTemplate(text, (value) => asPart(value, longest));
  } catch (cause) {
    if (cause instanceof TypeError) throw invalid(option, cause.message, cause);
    throw cause;
  }
}

/** A value as part of a name: one word, and at most this many bytes of UTF-8. */
function asPart(value: string, longest: number): string {
  const word = value.replace(UNFIT, '_');
  const bytes = Buffer.from(word);
  if (bytes.length <= longest) return bytes.toString();
  // What is left of a character that was cut in two is not a character.
  return bytes
    .subarray(0, longest)
    .toString()
    .replace(/\ufffd+$/, '');
}

function invalid(option: string, problem: string, cause?: unknown): TrackbridgeError {
  return new TrackbridgeError('CONFIG_INVALID', `${option}: ${problem}`, { cause });
}
