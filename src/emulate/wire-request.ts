import type { JsonObject } from '../event/event.js';

/** One HTTP request as it goes on the wire. */
export interface HttpRequest {
  readonly method: string;
  /** Where it is sent; path and query are exactly those of the request line. */
  readonly origin: string;
  readonly requestUri: string;
  /** Header lines in their order, names as they are spelled; `Host` is among them. */
  readonly headers: readonly HeaderLine[];
  /** Header values are bytes, one a character, as Node reads them; without it they are text. */
  readonly valuesAreBytes?: true;
  /** Empty where there is no body. */
  readonly body: string | Buffer;
}

/** One that a vendor makes: header values and body are text that goes out as UTF-8. */
export interface WireRequest extends HttpRequest {
  readonly body: string;
}

export type HeaderLine = readonly [name: string, value: string];

/** What somebody set in a vendor's dashboard: one destination. */
export interface Destination {
  readonly url: string;
  readonly method: string;
  /** Static headers. */
  readonly headers: readonly HeaderLine[];
  readonly secret: string | undefined;
  /** Segment's Webhook Audiences: what an audience's settings add to every body. */
  readonly extras?: JsonObject;
}

/** Makes the request that carries these events; `isBatch` says whether they go as an array, also if it is only one. */
export type Encoder = (
  events: readonly JsonObject[],
  destination: Destination,
  isBatch: boolean,
) => WireRequest;

/** Splits a URL as it is connected to and requested. Throws a TypeError where the text is no URL. */
export function splitUrl(url: string): { origin: string; host: string; url: URL } {
  const parsed = new URL(url);
  return { origin: parsed.origin, host: parsed.host, url: parsed };
}

/** A request as the bytes of HTTP/1.1 in text, for people to read. */
export function printRequest(request: HttpRequest): string {
  const lines = request.headers.map(([name, value]) => `${name}: ${value}`);
  const head = [`${request.method} ${request.requestUri} HTTP/1.1`, ...lines].join('\r\n');
  return `${head}\r\n\r\n${request.body}`;
}
