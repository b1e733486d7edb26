import type { SinkOptions } from '../../config/config.js';
import { configInvalid } from '../../core/errors.js';
import { compileTemplate, type Template } from '../kit/template.js';

/** AMQP's short strings, which names, keys and ids are, hold 255 bytes. */
export const LONGEST_NAME = 255;

const PLACEHOLDER = /\{[^{}]*\}/g;
// A dot begins a new word of a routing key, and `*` and `#` stand for words in bindings.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this replaces
const UNFIT = /[\u0000-\u001f\u007f-\u009f.*#]/g;

export type RouteOptions = Pick<
  SinkOptions['rabbitmq'],
  'exchange' | 'routingKey' | 'queue' | 'declare'
>;

/** Where an event is published to. */
export interface Route {
  readonly exchange: Template;
  readonly routingKey: Template;
  /** The exchange's name, `''` for the default exchange; undefined if events choose it. */
  readonly fixedExchange: string | undefined;
  /** The routing key; undefined if events choose it. */
  readonly fixedKey: string | undefined;
}

/**
 * Returns where events go. Without an exchange they go to the queue itself, through the default exchange, which routes
 * by the queue's name. Throws CONFIG_INVALID if the options contradict each other or contain an unknown field.
 */
export function routeOf({ exchange, routingKey, queue, declare }: RouteOptions): Route {
  if (exchange === '' && queue === undefined && routingKey === undefined) {
    throw configInvalid('queue: set queue or exchange');
  }
  if (exchange === '' && queue !== undefined && (routingKey ?? queue) !== queue) {
    throw configInvalid(
      'routingKey: the default exchange routes by the name of the queue; set routingKey to that name, or remove it',
    );
  }
  if (declare && queue === undefined && (exchange === '' || !isFixed(exchange))) {
    throw configInvalid('declare: requires queue, or an exchange without placeholders');
  }
  if (declare && !isFixed(exchange)) {
    throw configInvalid(
      'declare: the name of the exchange depends on the event, so it cannot be declared in advance',
    );
  }
  const key = routingKey ?? (exchange === '' ? (queue ?? '') : '{type}');
  return {
    exchange: templateOf('exchange', exchange),
    // A queue's name is not a template: braces in it are literal.
    routingKey: key === queue ? () => key : templateOf('routingKey', key),
    fixedExchange: isFixed(exchange) ? exchange : undefined,
    fixedKey: key === queue || isFixed(key) ? key : undefined,
  };
}

function isFixed(text: string): boolean {
  return text.search(PLACEHOLDER) === -1;
}

/** Values share what the text leaves of the 255 bytes, so that no value displaces what follows it. */
function templateOf(option: string, text: string): Template {
  const places = text.match(PLACEHOLDER)?.length ?? 0;
  const left = LONGEST_NAME - Buffer.byteLength(text.replace(PLACEHOLDER, ''));
  const longest = places === 0 ? left : Math.floor(left / places);
  if (longest < Math.min(places, 1))
    throw configInvalid(`${option}: is over ${LONGEST_NAME} bytes long`);
  try {
    return compileTemplate(text, (value) => asPart(value, longest));
  } catch (cause) {
    if (cause instanceof TypeError) throw configInvalid(`${option}: ${cause.message}`, cause);
    throw cause;
  }
}

/** Converts a value to part of a name: one word, and at most this many bytes of UTF-8. */
function asPart(value: string, longest: number): string {
  const word = value.replace(UNFIT, '_');
  const bytes = Buffer.from(word);
  if (bytes.length <= longest) return bytes.toString();
  // Removes the rest of a character that was cut in two.
  return bytes
    .subarray(0, longest)
    .toString()
    .replace(/\ufffd+$/, '');
}
