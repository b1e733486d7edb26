import type { SinkConfig } from '../../config/config.js';
import type { TraceContext } from '../../core/observe.js';
import { dedupeKeyIn, dedupeKeyOf, receiptIn } from '../../event/dedupe-key.js';
import type { CanonicalEvent } from '../../event/event.js';
import { traceOf } from '../../event/trace.js';
import type { SinkEvent } from '../../sinks/sink.js';

export type Format = SinkConfig['format'];

/**
 * Returns the event in canonical JSON text, in the sink's configured format. Nothing is parsed until a field is read: a
 * sink that only sends `json` needs no JSON.parse. Reading a field throws a SyntaxError if the text is damaged.
 */
export function toSinkEvent(canonical: string, format: Format): SinkEvent {
  const event = new LazyEvent(canonical);
  if (format === 'canonical') return event;
  return new CloudEvent(event);
}

class LazyEvent implements SinkEvent {
  readonly json: string;
  #event: CanonicalEvent | undefined;

  constructor(json: string) {
    this.json = json;
  }

  get event(): CanonicalEvent {
    this.#event ??= JSON.parse(this.json) as CanonicalEvent;
    return this.#event;
  }

  get messageId(): string {
    return this.event.messageId;
  }

  get dedupeKey(): string {
    const found = this.#event === undefined ? dedupeKeyIn(this.json) : undefined;
    return found ?? dedupeKeyOf(this.event);
  }

  get trace(): TraceContext | undefined {
    const receipt = this.#event === undefined ? receiptIn(this.json) : undefined;
    return traceOf(receipt ?? this.event.receipt);
  }
}

/**
 * CloudEvents 1.0, structured mode. The canonical text is inserted into `data` unchanged, without another stringify.
 */
class CloudEvent implements SinkEvent {
  readonly #inner: LazyEvent;
  #json: string | undefined;

  constructor(inner: LazyEvent) {
    this.#inner = inner;
  }

  get json(): string {
    this.#json ??= envelope(this.#inner.event, this.#inner.json);
    return this.#json;
  }

  get event(): CanonicalEvent {
    return this.#inner.event;
  }

  get messageId(): string {
    return this.#inner.messageId;
  }

  get dedupeKey(): string {
    return this.#inner.dedupeKey;
  }

  get trace(): TraceContext | undefined {
    return this.#inner.trace;
  }
}

function envelope(event: CanonicalEvent, json: string): string {
  const head = JSON.stringify({
    specversion: '1.0',
    // Consumers deduplicate by source and id. An unauthenticated event must not share both with an authenticated one.
    id: dedupeKeyOf(event),
    source: `trackbridge/${uriSegment(event.receipt.source)}`,
    type: `trackbridge.${event.type}`,
    time: event.timestamp,
    subject: subjectOf(event),
    datacontenttype: 'application/json',
    // CloudEvents' extension for distributed tracing.
    ...traceOf(event.receipt),
  });
  return `${head.slice(0, -1)},"data":${json}}`;
}

// CloudEvents allows a nonempty subject or none.
function subjectOf({ userId, anonymousId }: CanonicalEvent): string | undefined {
  for (const id of [userId, anonymousId]) {
    if (typeof id === 'string' && id !== '') return id;
  }
  return undefined;
}

/**
 * CloudEvents' `source` is a URI reference. Buffer replaces unpaired surrogates, for which encodeURIComponent throws.
 */
function uriSegment(text: string): string {
  return encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8'));
}
