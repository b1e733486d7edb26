import type { JsonObject } from '../../core/json.js';
import { actionsHeaders, signatureOf } from './segment.js';
import { type Destination, splitUrl, type WireRequest } from './wire-request.js';

/**
 * Segment's Webhook Audiences (segmentio/action-destinations, webhook-audiences): the actions webhook, with the
 * audience's `extras` merged into every event after signing. With extras, no part of the body is what was signed.
 */
export function encodeAudiences(
  events: readonly JsonObject[],
  destination: Destination,
  isBatch: boolean,
): WireRequest {
  const texts = events.map((event) => JSON.stringify({ ...event, ...destination.extras }));
  const body = isBatch ? `[${texts.join(',')}]` : (texts[0] ?? '');
  return request(body, signatureOf(events[0], destination.secret), destination);
}

/**
 * Encodes the same destination's requests to the URLs that create and get an audience: `extras` first, then
 * `audienceName` or `externalId`, and never a signature. The answer must be JSON with `externalId`.
 */
export function encodeAudienceSetUp(event: JsonObject, destination: Destination): WireRequest {
  return request(JSON.stringify({ ...destination.extras, ...event }), undefined, destination);
}

function request(
  body: string,
  signature: string | undefined,
  destination: Destination,
): WireRequest {
  const { origin, host, url } = splitUrl(destination.url);
  return {
    method: destination.method,
    origin,
    requestUri: url.pathname + url.search,
    headers: actionsHeaders(host, destination.headers, signature, body),
    body,
  };
}
