import type { SourceConfig } from '../config/config.js';
import { openEnvelope, readEnvelope } from '../decode/envelope.js';
import { LIMITS } from '../decode/limits.js';
import type { MultipartReader } from '../decode/multipart.js';
import { decodeQuery } from '../decode/query.js';
import type { SpecTypes } from '../decode/spec-types.js';
import { TrackbridgeError } from '../errors.js';
import { EVENT_TYPES, isObject, type JsonObject, type JsonValue } from '../event/event.js';
import { verifyAll } from '../verify/combine.js';
import type { Verifier } from '../verify/verifier.js';
import { withBelow } from './route.js';
import { decodeDeliveredBody, nothingBelow } from './segment.js';
import type { Decoded, Delivery, Source } from './source.js';

const METHODS = ['POST', 'PUT', 'PATCH', 'GET', 'DELETE', 'HEAD'];

/** What a path below the source's own says of an event whose wire form lost it. */
interface Named {
  readonly type?: string;
  readonly name?: string;
}

/**
 * RudderStack's webhook destination (POST, PUT, PATCH; GET and DELETE with the payload flattened into the query) and its
 * HTTP destination, which sends a body with every method. It signs nothing: what authenticates it is a static header.
 */
export function createRudderstackSource(
  name: string,
  config: SourceConfig,
  verifiers: readonly Verifier[],
  readMultipart: MultipartReader,
  specTypes: { readonly properties: SpecTypes; readonly traits: SpecTypes },
): Source {
  const types = new Set<string>([
    ...EVENT_TYPES,
    ...config.extraTypes.map((type) => type.toLowerCase()),
  ]);

  const decodeParameters = (delivery: Delivery): Decoded => {
    const named = namedBelow(delivery.below);
    const envelope = readEnvelope((header) => delivery.headers.first(header));
    if (envelope !== undefined) {
      const { event, collisions } = openEnvelope(envelope, delivery.query, LIMITS);
      return { batch: false, events: [{ value: withNamed(event, named), collisions }] };
    }
    const type = named.type ?? config.query.type;
    // Of a group too the query carries the properties; its traits do not arrive.
    const spec = type === 'identify' ? specTypes.traits : specTypes.properties;
    const query = withoutWriteKey(delivery.query, config);
    const { value, collisions } = decodeQuery(query, {
      types: config.query.types,
      spec,
      limits: LIMITS,
    });
    return { batch: false, events: [{ value: lostEvent(type, named, config, value), collisions }] };
  };

  const decodeBodies = async (delivery: Delivery): Promise<Decoded> => {
    const decoded = await decodeDeliveredBody(delivery, readMultipart);
    const named = namedBelow(delivery.below);
    if (named.type === undefined) return decoded;
    return {
      batch: decoded.batch,
      events: decoded.events.map((raw) => ({ ...raw, value: withNamed(raw.value, named) })),
    };
  };

  return {
    name,
    vendor: 'rudderstack',
    config,
    route: withBelow(config.path),
    methodsFor: () => METHODS,
    // The router retries 408 without a limit.
    lateBody: 'BODY_TIMEOUT',
    checkBelow(below) {
      if (below === '') return;
      const { type } = namedBelow(below);
      if (type !== undefined && !types.has(type)) {
        throw nothingBelow(
          name,
          'below it come an event type and a name, as in track/Order%20Completed',
        );
      }
    },
    verify: verifyAll(verifiers),
    decode: (delivery) =>
      delivery.body.length > 0 || hasBodyMethod(delivery.method)
        ? decodeBodies(delivery)
        : decodeParameters(delivery),
  };
}

/** GET, DELETE and HEAD carry their payload in the query unless they have a body (the HTTP destination sends one). */
function hasBodyMethod(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}

/** `track/Order%20Completed` → its type and name. Throws REQUEST_MALFORMED where the encoding is broken. */
function namedBelow(below: string): Named {
  // RudderStack joins URL and appendPath as they are, so slashes come doubled; a name may hold one.
  const [type, ...name] = below
    .split('/')
    .filter((segment) => segment !== '')
    .map(decodeSegment);
  return {
    ...(type === undefined ? {} : { type: type.toLowerCase() }),
    ...(name.length === 0 ? {} : { name: name.join('/') }),
  };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new TrackbridgeError('REQUEST_MALFORMED', 'the path is not valid percent-encoded UTF-8');
  }
}

/** What a query can tell of an event: its type by configuration or path, and the properties, or an identify's traits. */
function lostEvent(
  type: string,
  named: Named,
  config: SourceConfig,
  value: JsonValue | undefined,
): JsonObject {
  const data = type === 'identify' ? 'traits' : 'properties';
  const name = named.name ?? (type === 'track' ? config.query.event : undefined);
  return {
    ...nameOf(type, name),
    type,
    ...(value === undefined ? {} : { [data]: value }),
  };
}

/** A body, or an envelope, says the type itself; the path helps only where it does not. */
function withNamed(value: JsonValue, { type, name }: Named): JsonValue {
  if (type === undefined || !isObject(value)) return value;
  if (value['type'] !== undefined && value['type'] !== null) return value;
  return { ...nameOf(type, name), ...value, type };
}

/** The member that holds an event's name: only these types have one. */
function nameOf(type: string, name: string | undefined): JsonObject {
  if (name === undefined) return {};
  if (type === 'track') return { event: name };
  return type === 'page' || type === 'screen' ? { name } : {};
}

/**
 * The key of the write-key scheme is the URL's own parameter and no part of the event. Only the first of that name goes:
 * the sender puts the URL's own before the event's, which may have a property called the same.
 */
function withoutWriteKey(query: string, config: SourceConfig): string {
  if (!config.verify.some((each) => each.scheme === 'write-key')) return query;
  const pairs = query.split('&');
  const own = pairs.findIndex((pair) => pair.startsWith('writeKey='));
  return pairs.filter((_pair, index) => index !== own).join('&');
}
