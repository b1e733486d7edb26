import { createHmac } from 'node:crypto';
import type { JsonObject } from '../event/event.js';
import { type Destination, type HeaderLine, splitUrl, type WireRequest } from './wire-request.js';

export type SegmentForm = 'classic' | 'actions' | 'extensible';

/**
 * Segment's webhooks (segmentio/action-destinations, webhook and webhook-extensible; of the classic
 * destination its documentation). The signature is the hex HMAC-SHA1 of the JSON text of the event, in a batch of the
 * first one. The extensible form wraps the elements of a batch in `json`, and signs what is inside.
 */
export function encodeSegment(
  events: readonly JsonObject[],
  destination: Destination,
  form: SegmentForm,
  isBatch: boolean,
): WireRequest {
  const texts = events.map((event) => JSON.stringify(event));
  const elements = form === 'extensible' ? texts.map((text) => `{"json":${text}}`) : texts;
  const body = isBatch ? `[${elements.join(',')}]` : (texts[0] ?? '');
  const signature = signatureOf(events[0], destination.secret);
  const { origin, host, url } = splitUrl(destination.url);
  const headers =
    form === 'classic'
      ? classicHeaders(host, destination.headers, signature, body)
      : actionsHeaders(host, destination.headers, signature, body);
  return {
    method: destination.method,
    origin,
    requestUri: url.pathname + url.search,
    headers,
    body,
  };
}

/** The hex HMAC-SHA1 of an event's JSON text; undefined where there is nothing to sign or to sign with. */
export function signatureOf(
  event: JsonObject | undefined,
  secret: string | undefined,
): string | undefined {
  if (event === undefined || secret === undefined) return undefined;
  return createHmac('sha1', secret).update(JSON.stringify(event)).digest('hex');
}

// Names and values are documented, the order is not.
function classicHeaders(
  host: string,
  configured: readonly HeaderLine[],
  signature: string | undefined,
  body: string,
): HeaderLine[] {
  return overridden(
    [
      ['Host', host],
      ['User-Agent', 'Segment.io/1.0'],
      ['Content-Length', String(Buffer.byteLength(body))],
      ['Content-Type', 'application/json'],
      ...signatureLine('X-Signature', signature),
    ],
    configured,
  );
}

/**
 * As recorded from the destination's code under node-fetch 2: a header of the mapping wins over a computed one, but for
 * the content type, which is JSON whatever the mapping says.
 */
export function actionsHeaders(
  host: string,
  configured: readonly HeaderLine[],
  signature: string | undefined,
  body: string,
): HeaderLine[] {
  const mapped = configured.filter(([name]) => name.toLowerCase() !== 'content-type');
  return [
    ...overridden(
      [
        ['user-agent', 'Segment (Actions)'],
        ...signatureLine('x-signature', signature),
        ['content-type', 'application/json'],
      ],
      mapped,
    ),
    ['Accept', '*/*'],
    ['Content-Length', String(Buffer.byteLength(body))],
    ['Accept-Encoding', 'gzip,deflate'],
    ['Host', host],
    ['Connection', 'keep-alive'],
  ];
}

function signatureLine(name: string, signature: string | undefined): HeaderLine[] {
  return signature === undefined ? [] : [[name, signature]];
}

function overridden(own: readonly HeaderLine[], configured: readonly HeaderLine[]): HeaderLine[] {
  const names = new Set(configured.map(([name]) => name.toLowerCase()));
  return [...own.filter(([name]) => !names.has(name.toLowerCase())), ...configured];
}
