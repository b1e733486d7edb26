import type { RudderstackSourceConfig } from '../config/config.js';
import { isObject, type JsonObject, type JsonValue } from '../core/json.js';
import { isBlankBody } from '../decode/body.js';
import { openEnvelope, readEnvelope } from '../decode/envelope.js';
import { LIMITS } from '../decode/limits.js';
import { decodeQuery } from '../decode/query/parse.js';
import type { SpecTypes } from '../decode/query/spec-types.js';
import { EVENT_TYPES } from '../event/event.js';
import { rejectedByHead, verifyAll } from '../verify/combine.js';
import type { Verifier } from '../verify/verifier.js';
import { decodeDeliveredBody } from './delivered-body.js';
import { withSubpaths } from './route.js';
import type { Decoded, Delivery, Source } from './source.js';

const METHODS = ['POST', 'PUT', 'PATCH', 'GET', 'DELETE', 'HEAD'];

/**
 * The decoded form of an empty body, which an HTTP destination sends if its mapping yields nothing; with batching it
 * sends `[]`.
 */
const NOTHING: Decoded = { batch: true, events: [] };

/** The type and name that the subpath gives an event if its wire form lost them. */
interface Named {
  readonly type?: string;
  readonly name?: string;
}

/**
 * RudderStack's webhook destination (POST, PUT, PATCH; GET and DELETE with the payload flattened into the query) and
 * its HTTP destination, which sends a body with every method. It signs nothing; a static header authenticates it.
 */
export function createRudderstackSource(
  name: string,
  config: RudderstackSourceConfig,
  verifiers: readonly Verifier[],
  specTypes: { readonly properties: SpecTypes; readonly traits: SpecTypes },
): Source {
  const types = new Set<string>([
    ...EVENT_TYPES,
    ...config.extraTypes.map((type) => type.toLowerCase()),
  ]);

  const decodeParameters = (delivery: Delivery): Decoded => {
    const named = namedBySubpath(delivery.subpath, types);
    const envelope = readEnvelope((header) => delivery.headers.first(header));
    if (envelope !== undefined) {
      const { event, collisions } = openEnvelope(envelope, delivery.query, LIMITS);
      return { batch: false, events: [{ value: withNamed(event, named), collisions }] };
    }
    const type = named.type ?? config.query.type;
    // The query carries properties even for a group, whose traits are lost.
    const spec = type === 'identify' ? specTypes.traits : specTypes.properties;
    const query = withoutWriteKey(delivery.query, config);
    const { value, collisions } = decodeQuery(query, {
      types: config.query.types,
      spec,
      limits: LIMITS,
    });
    return { batch: false, events: [{ value: lostEvent(type, named, config, value), collisions }] };
  };

  const decodeBodies = (delivery: Delivery): Decoded => {
    const decoded = decodeDeliveredBody(delivery);
    const named = namedBySubpath(delivery.subpath, types);
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
    route: withSubpaths(config.path),
    methodsFor: () => METHODS,
    // RudderStack's router retries 408 without limit.
    lateBody: 'BODY_TIMEOUT',
    // RudderStack appends paths of its own (`appendPath`, `pathParams`), which must not cause the loss of an event.
    checkSubpath: () => undefined,
    rejectedByHead: rejectedByHead(verifiers),
    verify: verifyAll(verifiers),
    decode(delivery) {
      if (isBlankBody(delivery.body)) {
        return hasBodyMethod(delivery.method) ? NOTHING : decodeParameters(delivery);
      }
      return decodeBodies(delivery);
    },
  };
}

/** GET, DELETE and HEAD carry their payload in the query unless they have a body (the HTTP destination sends one). */
function hasBodyMethod(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}

/**
 * Reads the type and name from `track/Order%20Completed`. A subpath that does not begin with a type is ignored:
 * RudderStack's `appendPath` and `pathParams` can be anything.
 */
function namedBySubpath(subpath: string, types: ReadonlySet<string>): Named {
  // RudderStack joins URL and appendPath unchanged, so slashes can be doubled. A name may contain a slash.
  const [type, ...name] = subpath
    .split('/')
    .filter((segment) => segment !== '')
    .map(decodeSegment);
  const lower = type?.toLowerCase() ?? '';
  if (!types.has(lower)) return {};
  return { type: lower, ...(name.length === 0 ? {} : { name: name.join('/') }) };
}

/** A segment that is not percent-encoded UTF-8 stays as it is. */
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/**
 * Rebuilds an event from a query: its type from the configuration or path, and its properties, or the traits of an
 * identify.
 */
function lostEvent(
  type: string,
  named: Named,
  config: RudderstackSourceConfig,
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

/** Adds the type and name of the path if the body or envelope has no type of its own. */
function withNamed(value: JsonValue, { type, name }: Named): JsonValue {
  if (type === undefined || !isObject(value)) return value;
  if (value['type'] !== undefined && value['type'] !== null) return value;
  return { ...nameOf(type, name), ...value, type };
}

/** The member that holds an event's name. Only these types have one. */
function nameOf(type: string, name: string | undefined): JsonObject {
  if (name === undefined) return {};
  if (type === 'track') return { event: name };
  return type === 'page' || type === 'screen' ? { name } : {};
}

/**
 * Removes the write-key scheme's parameter, which belongs to the URL and not to the event. Only the first `writeKey` is
 * removed: the sender puts the URL's own before the event's, which may have a property of that name.
 */
function withoutWriteKey(query: string, config: RudderstackSourceConfig): string {
  if (!config.verify.some((each) => each.scheme === 'write-key')) return query;
  const pairs = query.split('&');
  const own = pairs.findIndex((pair) => pair.startsWith('writeKey='));
  return pairs.filter((_pair, index) => index !== own).join('&');
}
