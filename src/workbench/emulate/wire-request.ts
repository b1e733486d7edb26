import type { JsonObject } from '../../core/json.js';

/** One HTTP request as sent on the wire. */
export interface HttpRequest {
  readonly method: string;
  /** The server to send to; path and query are exactly those of the request line. */
  readonly origin: string;
  readonly requestUri: string;
  /** Header lines in order, names as spelled; including `Host`. */
  readonly headers: readonly HeaderLine[];
  /** Header values are bytes, one per character, as Node reads them. Without it they are text. */
  readonly valuesAreBytes?: true;
  /** Empty if there is no body. */
  readonly body: string | Buffer;
}

/** A vendor's request: header values and body are text, sent as UTF-8. */
export interface WireRequest extends HttpRequest {
  readonly body: string;
}

export type HeaderLine = readonly [name: string, value: string];

/** One destination as configured in a vendor's dashboard. */
export interface Destination {
  readonly url: string;
  readonly method: string;
  /** Static headers. */
  readonly headers: readonly HeaderLine[];
  readonly secret: string | undefined;
  /** Segment's Webhook Audiences: fields that an audience's settings add to every body. */
  readonly extras?: JsonObject;
  /** RudderStack's webhook: the `appendPath` for events without their own. */
  readonly appendPath?: string;
  /** RudderStack's HTTP destination: text, or `$.a.b` for a value of the event. */
  readonly pathParams?: readonly string[];
}

/** Builds the request for these events; `isBatch`: whether they are sent as an array, even a single one. */
export type Encoder = (
  events: readonly JsonObject[],
  destination: Destination,
  isBatch: boolean,
) => WireRequest;

/** Splits a URL into the server and the request target. Throws a TypeError for an invalid URL. */
export function splitUrl(url: string): { origin: string; host: string; url: URL } {
  const parsed = new URL(url);
  return { origin: parsed.origin, host: parsed.host, url: parsed };
}

/** Returns a request as HTTP/1.1 text, for people to read. */
export function printRequest(request: HttpRequest): string {
  const lines = request.headers.map(([name, value]) => `${name}: ${value}`);
  const head = [`${request.method} ${request.requestUri} HTTP/1.1`, ...lines].join('\r\n');
  return `${head}\r\n\r\n${request.body}`;
}
