import { createHmac } from 'node:crypto';
import type { JsonObject } from '../../core/json.js';
import { type Destination, type HeaderLine, splitUrl, type WireRequest } from './wire-request.js';

export type SegmentForm = 'classic' | 'actions' | 'extensible';

/**
 * Segment's webhooks (segmentio/action-destinations, webhook and webhook-extensible; for the classic destination its
 * documentation). The signature is the hex HMAC-SHA1 of the event's JSON text; of a batch, of the first event's. The
 * extensible form wraps the elements of a batch in `json` and signs the content.
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

/** Returns the hex HMAC-SHA1 of an event's JSON text; undefined if there is no event or no secret. */
export function signatureOf(
  event: JsonObject | undefined,
  secret: string | undefined,
): string | undefined {
  if (event === undefined || secret === undefined) return undefined;
  return createHmac('sha1', secret).update(JSON.stringify(event)).digest('hex');
}

// Names and values are documented, their order is not.
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
 * As recorded from the destination's code under node-fetch 2: a header of the mapping overrides a computed one, except
 * the content type, which is always JSON.
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
