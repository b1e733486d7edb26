import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { SinkOptions } from '../../config/config.js';
import { messageOf, TrackbridgeError } from '../../core/errors.js';
import type { TraceContext } from '../../core/observe.js';
import { hideable } from '../kit/http-client.js';
import type { SinkContext, SinkEvent } from '../sink.js';
import { createSigner, deliveryId, secretsToSign } from './signing.js';

export type HttpOptions = SinkOptions['http'];

export interface HttpRequest {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

// The client alone sets the headers that frame the message. With a second value, two readers would see two messages.
const FRAMING = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Builds the request for a batch. Configured headers override ours; signatures override both. Throws CONFIG_INVALID.
 */
export function createRequestBuilder(
  options: HttpOptions,
  url: URL,
  context: Pick<SinkContext, 'clock' | 'format'>,
): (batch: readonly SinkEvent[], trace?: TraceContext) => HttpRequest {
  const sign = options.sign && createSigner(options.sign);
  const fixed = {
    'content-type': contentType(options.body, context.format),
    ...credentials(url),
    ...checkedHeaders(options.headers),
  };
  return (batch, trace) => {
    const now = context.clock.now();
    const first = batch[0]?.json ?? '';
    const body = bodyOf(options.body, batch, now);
    const id = deliveryId(batch.map(({ dedupeKey }) => dedupeKey));
    const signature = sign?.({
      id,
      body,
      now,
      ...(options.body === 'array' && { firstElement: first }),
    });
    return { body, headers: { 'idempotency-key': id, ...trace, ...fixed, ...signature } };
  };
}

/** Returns texts that an answer may echo and no error may show, longest first. */
export function secretsOf(options: HttpOptions, url: URL): readonly string[] {
  const { password, searchParams } = url;
  const basic = credentials(url)['authorization'];
  const all = [
    ...Object.values(options.headers),
    // Includes the credential alone, because an echo may omit the scheme before it.
    ...Object.values(options.headers).flatMap((value) => value.split(' ').slice(1)),
    ...(options.sign === undefined ? [] : secretsToSign(options.sign)),
    decoded(password),
    password,
    basic ?? '',
    basic?.slice('Basic '.length) ?? '',
    ...searchParams.values(),
  ];
  return hideable(all);
}

function bodyOf(shape: HttpOptions['body'], batch: readonly SinkEvent[], now: number): string {
  // The texts are joined, because the events are JSON already and parsing them again would cost more than sending them.
  const events = batch.map(({ json }) => json).join(',');
  if (shape === 'event') return events;
  if (shape === 'array') return `[${events}]`;
  return `{"batch":[${events}],"sentAt":"${new Date(now).toISOString()}"}`;
}

function contentType(shape: HttpOptions['body'], format: SinkContext['format']): string {
  if (format !== 'cloudevents' || shape === 'batch') return 'application/json';
  return shape === 'event' ? 'application/cloudevents+json' : 'application/cloudevents-batch+json';
}

/** Sends `user:password@` of the URL, which HTTP clients do not send by themselves. */
function credentials({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const pair = `${decoded(username)}:${decoded(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** A stray `%` in a password is kept. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function checkedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (FRAMING.has(lower)) {
      throw new TrackbridgeError(
        'CONFIG_INVALID',
        `headers: ${lower} is set by Trackbridge; remove it`,
      );
    }
    try {
      validateHeaderName(lower);
      validateHeaderValue(lower, value);
    } catch (cause) {
      // Node's message names the header and the rule, never the value.
      throw new TrackbridgeError('CONFIG_INVALID', `headers: ${messageOf(cause)}`, { cause });
    }
    checked[lower] = value;
  }
  return checked;
}
