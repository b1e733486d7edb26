import { isObject, type JsonObject, type JsonValue } from '../../../core/json.js';
import { flatten } from '../flatten.js';
import { encodeValues, goJson, goPath, goText } from '../go.js';
import { type Destination, type HeaderLine, splitUrl, type WireRequest } from '../wire-request.js';
import { routerHeaders, staticHeaders } from './headers.js';

/** Fields that control the delivery and are not delivered. */
const STEERING: ReadonlySet<string> = new Set(['fullPath', 'appendPath', 'header']);
const INTEGRATION_NAMES = ['webhook', 'Webhook', 'WebHook', 'WEBHOOK'];

/**
 * RudderStack's webhook destination (rudder-transformer, src/cdk/v2/destinations/webhook/procWorkflow.yaml): one event
 * per request. POST, PUT and PATCH carry the whole event as JSON; GET and DELETE only the flattened traits of an
 * identify or the properties of any other event. The event's `header`, `fullPath` and `appendPath` control the request.
 */
export function encodeWebhook(event: JsonObject, destination: Destination): WireRequest {
  const { method } = destination;
  const endpoint = endpointOf(event, destination);
  const { origin, host, url } = splitUrl(endpoint);
  const inQuery = method === 'GET' || method === 'DELETE';
  const own = [...url.searchParams].map(([key, value]): [string, string] => [key, value]);
  const carried = inQuery ? flatten(carriedOf(event)) : [];
  const query = encodeValues([
    ...own,
    ...carried.map(([key, value]): [string, string] => [key, goText(value)]),
  ]);
  const body = inQuery ? '' : goJson(bodyOf(event));
  return {
    method,
    origin,
    requestUri: goPath(endpoint) + (query === '' ? '' : `?${query}`),
    headers: routerHeaders(method, host, headerLines(event, destination, body !== ''), body),
    body,
  };
}

function endpointOf(event: JsonObject, destination: Destination): string {
  const fullPath = steering(event, 'fullPath') ?? destination.url;
  const appendPath = steering(event, 'appendPath') ?? destination.appendPath ?? '';
  return `${textOf(fullPath)}${textOf(appendPath)}`;
}

/** Returns the event's own value, else that of its integration, which has four spellings. */
function steering(event: JsonObject, name: string): JsonValue | undefined {
  const integrations = event['integrations'];
  const own = isObject(integrations)
    ? INTEGRATION_NAMES.map((spelling) => integrations[spelling]).find(isObject)?.[name]
    : undefined;
  return event[name] ?? own ?? undefined;
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Nulls are removed only at the top level; the address of the user's request becomes `context.ip`. */
function bodyOf(event: JsonObject): JsonObject {
  const body: JsonObject = Object.fromEntries(
    Object.entries(event).filter(([name, value]) => !STEERING.has(name) && value !== null),
  );
  const context = isObject(event['context']) ? event['context'] : {};
  const ip = context['ip'] ?? event['request_ip'];
  return ip ? { ...body, context: { ...context, ip } } : body;
}

/** An event without properties carries nothing; null, and an identify without traits, become `=<nil>`. */
function carriedOf(event: JsonObject): JsonValue {
  if (event['type'] !== 'identify')
    return 'properties' in event ? (event['properties'] ?? null) : {};
  const context = event['context'];
  const candidates = [event['traits'], isObject(context) ? context['traits'] : undefined];
  // An empty object counts as traits and therefore hides those of the context.
  return candidates.find((each) => Boolean(each) || each === false || each === 0) ?? null;
}

/**
 * The event's headers override configured ones, which override defaults. Configured names are in lower case; the
 * event's keep their case.
 */
function headerLines(
  event: JsonObject,
  destination: Destination,
  hasBody: boolean,
): readonly HeaderLine[] {
  const lines = new Map<string, string>();
  const own = event['header'];
  for (const [name, value] of isObject(own) ? Object.entries(own) : []) {
    lines.set(name, textOf(value));
  }
  const configured = staticHeaders(destination.headers, destination.secret).map(
    ([name, value]): HeaderLine => [name.toLowerCase(), value],
  );
  const standard: HeaderLine[] = hasBody ? [['content-type', 'application/json']] : [];
  for (const [name, value] of [...configured, ...standard]) {
    if (!lines.has(name)) lines.set(name, value);
  }
  return [...lines];
}
