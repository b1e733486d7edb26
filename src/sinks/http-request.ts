import { validateHeaderName, validateHeaderValue } from 'node:http';
import { messageOf, TrackbridgeError } from '../errors.js';
import { hideable } from './http-client.js';
import { createSigner, deliveryId, type SignOptions } from './http-signing.js';
import type { SinkContext, SinkEvent } from './sink.js';

export interface HttpOptions {
  readonly url: string;
  readonly method: 'POST' | 'PUT' | 'PATCH';
  readonly headers: Readonly<Record<string, string>>;
  readonly sign?: SignOptions;
  readonly body: 'event' | 'array' | 'batch';
  readonly allowPrivateAddresses: boolean;
}

export interface HttpRequest {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

// What frames the message is the client's business; a second value would make two readers see two messages.
const FRAMING = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/** Builds the request for a batch. Configured headers win over ours, signatures over both. Throws CONFIG_INVALID. */
export function createRequestBuilder(
  options: HttpOptions,
  url: URL,
  context: Pick<SinkContext, 'clock' | 'format'>,
): (batch: readonly SinkEvent[]) => HttpRequest {
  const sign = options.sign && createSigner(options.sign);
  const fixed = {
    'content-type': contentType(options.body, context.format),
    ...credentials(url),
    ...checkedHeaders(options.headers),
  };
  return (batch) => {
    const now = context.clock.now();
    const first = batch[0]?.json ?? '';
    const body = bodyOf(options.body, batch, now);
    const id = deliveryId(batch.map(({ messageId }) => messageId));
    const signature = sign?.({
      id,
      body,
      now,
      ...(options.body === 'array' && { firstElement: first }),
    });
    return { body, headers: { 'idempotency-key': id, ...fixed, ...signature } };
  };
}

/** Texts that an answer may echo and no error may show, longest first. */
export function secretsOf(options: HttpOptions, url: URL): readonly string[] {
  const { password, searchParams } = url;
  const basic = credentials(url)['authorization'];
  const all = [
    ...Object.values(options.headers),
    // The credential alone too: an echo may leave out the scheme before it.
    ...Object.values(options.headers).flatMap((value) => value.split(' ').slice(1)),
    options.sign?.secret ?? '',
    decoded(password),
    password,
    basic ?? '',
    basic?.slice('Basic '.length) ?? '',
    ...searchParams.values(),
  ];
  return hideable(all);
}

function bodyOf(shape: HttpOptions['body'], batch: readonly SinkEvent[], now: number): string {
  // Joined as text: the events are JSON already, and parsing them again would cost more than sending them.
  const events = batch.map(({ json }) => json).join(',');
  if (shape === 'event') return events;
  if (shape === 'array') return `[${events}]`;
  return `{"batch":[${events}],"sentAt":"${new Date(now).toISOString()}"}`;
}

function contentType(shape: HttpOptions['body'], format: SinkContext['format']): string {
  if (format !== 'cloudevents' || shape === 'batch') return 'application/json';
  return shape === 'event' ? 'application/cloudevents+json' : 'application/cloudevents-batch+json';
}

/** `user:password@` of the URL, which HTTP clients do not send by themselves. */
function credentials({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const pair = `${decoded(username)}:${decoded(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** A stray `%` in a password stays what it is. */
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
        `headers: ${lower} is set by Trackbridge; leave it out`,
      );
    }
    try {
      validateHeaderName(lower);
      validateHeaderValue(lower, value);
    } catch (cause) {
      // Node names the header and the rule, never the value.
      throw new TrackbridgeError('CONFIG_INVALID', `headers: ${messageOf(cause)}`, { cause });
    }
    checked[lower] = value;
  }
  return checked;
}
