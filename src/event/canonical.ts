import { isObject, type JsonObject, type JsonValue } from '../core/json.js';
import type { TraceContext } from '../core/observe.js';
import { canonicalContext } from './context.js';
import { dedupeKey } from './dedupe-key.js';
import { objectOf, type Receipt, type Vendor } from './event.js';
import { readId, readMessageId, readName } from './ids.js';
import { readTimes, type Times } from './times.js';
import { formatTimestamp } from './timestamp/timestamp.js';
import { isEventType, type Untyped, wrapUntyped } from './untyped.js';

/** Facts about an event's delivery that the canonical form needs. */
export interface DeliveryFacts {
  /** UUIDv7. */
  readonly deliveryId: string;
  /** The source's name in the configuration. */
  readonly source: string;
  readonly vendor: Vendor;
  readonly method: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** `receivedAt` as RFC 3339 with milliseconds, UTC. It is formatted once for all events of a batch. */
  readonly receivedAtText?: string;
  readonly authenticated: boolean;
  readonly verifiedBy: string;
  /** The scope in which a messageId is unique: the source's `dedupeGroup`, else its name. */
  readonly scope: string;
  /** Query keys whose value was lost to an object at the same path. */
  readonly collisions?: readonly string[] | undefined;
  readonly extraTypes: readonly string[];
  readonly untyped?: Untyped | undefined;
  /** The span of the delivery; undefined if it is not traced. */
  readonly trace?: TraceContext | undefined;
  /** Returns a new UUIDv7, for an event without a usable messageId. */
  readonly uuid: () => string;
}

/** An event in canonical form, not validated yet. */
export interface Candidate {
  readonly event: JsonObject;
  readonly messageIdGenerated: boolean;
}

// Fields with a fixed position in the result. All others follow as sent.
const PLACED: ReadonlySet<string> = new Set([
  ...['type', 'messageId', 'userId', 'anonymousId', 'groupId', 'previousId'],
  ...['event', 'name', 'category', 'properties', 'traits', 'context', 'integrations'],
  ...['timestamp', 'originalTimestamp', 'sentAt', 'receivedAt', 'receipt', 'writeKey', '__proto__'],
]);
/** Fields of a `record` event. In other types they have no fixed meaning. */
const RECORD_OBJECTS = ['fields', 'identifiers'] as const;

/**
 * Converts an object into canonical form. It only moves, fills in and removes fields. A known field of a wrong type
 * stays as it is, for the schema to reject, so that validity is defined in one place. Shares the sub-objects of `raw`
 * and never mutates them.
 */
export function toCanonical(raw: JsonObject, facts: DeliveryFacts): Candidate {
  const isRow = facts.untyped !== undefined && !isEventType(raw['type'], facts.extraTypes);
  const sent = isRow ? wrapUntyped(raw, facts.untyped) : raw;

  const arrival = facts.receivedAtText ?? formatTimestamp(facts.receivedAt);
  const times = readTimes(sent, facts.receivedAt, arrival);
  const messageId = readMessageId(sent['messageId']);
  const type = sent['type'];
  const kind = typeof type === 'string' ? type.toLowerCase() : type;

  // Keys are ordered for people who read files and terminals: what, who, which, then the rest.
  const event: JsonObject = {};
  put(event, 'type', kind);
  const id = messageId ?? facts.uuid();
  event['messageId'] = id;
  put(event, 'userId', readId(sent['userId']));
  put(event, 'anonymousId', readId(sent['anonymousId']));
  put(event, 'groupId', readId(sent['groupId']));
  put(event, 'previousId', readId(sent['previousId']));
  put(event, 'event', readName(sent['event']));
  put(event, 'name', readName(sent['name']));
  put(event, 'category', readName(sent['category']));
  putObject(event, 'properties', sent['properties']);
  putObject(event, 'traits', kind === 'identify' ? identifyTraits(sent) : sent['traits']);
  event['context'] = canonicalContext(sent['context'], sent['request_ip']);
  putObject(event, 'integrations', sent['integrations'] ?? {});
  event['timestamp'] = times.timestamp;
  put(event, 'originalTimestamp', times.originalTimestamp);
  put(event, 'sentAt', times.sentAt);
  event['receivedAt'] = times.receivedAt;
  for (const key of Object.keys(sent)) {
    const value = sent[key];
    if (value !== undefined && !PLACED.has(key)) event[key] = value;
  }
  if (kind === 'record') {
    if (event['action'] === null) delete event['action'];
    for (const field of RECORD_OBJECTS) putObject(event, field, event[field]);
  }
  event['receipt'] = receiptOf(facts, arrival, times, id, messageId === undefined);
  return { event, messageIdGenerated: messageId === undefined };
}

/** Sets a known field unless it is null: Segment sends `category: null`, and `context: null` in deletions. */
function put(event: JsonObject, field: string, value: JsonValue | undefined): void {
  if (value !== undefined && value !== null) event[field] = value;
}

/** Sets a known field that holds an object. */
function putObject(event: JsonObject, field: string, value: JsonValue | undefined): void {
  if (value !== undefined) event[field] = objectOf(value);
}

/** RudderStack's browser SDK sends an identify's traits only in `context`. */
function identifyTraits(sent: JsonObject): JsonValue {
  if (sent['traits'] !== undefined && sent['traits'] !== null) return sent['traits'];
  const context = sent['context'];
  const traits = isObject(context) ? context['traits'] : undefined;
  return isObject(traits) ? traits : {};
}

function receiptOf(
  facts: DeliveryFacts,
  receivedAt: string,
  times: Times,
  messageId: string,
  messageIdGenerated: boolean,
): Receipt {
  const receipt: Receipt = {
    deliveryId: facts.deliveryId,
    source: facts.source,
    vendor: facts.vendor,
    method: facts.method,
    receivedAt,
    authenticated: facts.authenticated,
    verifiedBy: facts.verifiedBy,
    dedupeKey: dedupeKey(facts.scope, messageId, facts.authenticated),
  };
  if (messageIdGenerated) receipt.messageIdGenerated = true;
  if (times.unreadable !== undefined) receipt.unreadable = times.unreadable;
  if (facts.collisions !== undefined && facts.collisions.length > 0) {
    receipt.collisions = [...facts.collisions];
  }
  if (facts.trace !== undefined) {
    receipt.traceparent = facts.trace.traceparent;
    if (facts.trace.tracestate !== undefined) receipt.tracestate = facts.trace.tracestate;
  }
  return receipt;
}
