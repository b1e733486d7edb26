import type { SinkConfig } from '../config/config.js';
import type { CanonicalEvent } from '../event/event.js';
import type { SinkEvent } from '../sinks/sink.js';

export type Format = SinkConfig['format'];

/**
 * The event that canonical JSON text stands for, in the form a sink is configured for. Nothing is parsed until somebody
 * looks: a sink that only sends `json` costs no JSON.parse. Looking throws a SyntaxError where the text is damaged.
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
}

/** CloudEvents 1.0, structured mode. The canonical text goes into `data` as it is, without another stringify. */
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
}

function envelope(event: CanonicalEvent, json: string): string {
  const head = JSON.stringify({
    specversion: '1.0',
    id: event.messageId,
    source: `trackbridge/${uriSegment(event.receipt.source)}`,
    type: `trackbridge.${event.type}`,
    time: event.timestamp,
    subject: subjectOf(event),
    datacontenttype: 'application/json',
  });
  return `${head.slice(0, -1)},"data":${json}}`;
}

// CloudEvents wants a subject that is not empty, or none.
function subjectOf({ userId, anonymousId }: CanonicalEvent): string | undefined {
  for (const id of [userId, anonymousId]) {
    if (typeof id === 'string' && id !== '') return id;
  }
  return undefined;
}

/** CloudEvents' `source` is a URI reference. Buffer replaces half surrogates, at which encodeURIComponent throws. */
function uriSegment(text: string): string {
  return encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8'));
}
