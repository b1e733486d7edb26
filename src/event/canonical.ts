import { canonicalContext } from './context.js';
import { isObject, type JsonObject, type JsonValue, type Receipt, type Vendor } from './event.js';
import { readTimes, type Times } from './times.js';
import { formatTimestamp } from './timestamp.js';
import { type Untyped, wrapUntyped } from './untyped.js';

/** What the canonical form needs to know of the delivery that brought an event. */
export interface DeliveryFacts {
  /** UUIDv7. */
  readonly deliveryId: string;
  /** The source's name in the configuration. */
  readonly source: string;
  readonly vendor: Vendor;
  readonly method: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** `receivedAt` as RFC 3339 with milliseconds, UTC: spares writing it for each event of a batch. */
  readonly receivedAtText?: string;
  readonly authenticated: boolean;
  readonly verifiedBy: string;
  /** Query keys whose value was lost to an object in the same place. */
  readonly collisions?: readonly string[] | undefined;
  readonly extraTypes: readonly string[];
  readonly untyped?: Untyped | undefined;
  /** A new UUIDv7, for an event that came without a usable messageId. */
  readonly uuid: () => string;
}

/** An event in canonical form, its fields not checked yet. */
export interface Candidate {
  readonly event: JsonObject;
  readonly messageIdGenerated: boolean;
}

/** A messageId beyond this is replaced; it is a key of the outbox. Counted in characters, as JSON Schema does. */
const LONGEST_MESSAGE_ID = 512;

// Fields with a place of their own in the result. All others follow as they came.
const PLACED: ReadonlySet<string> = new Set([
  ...['type', 'messageId', 'userId', 'anonymousId', 'groupId', 'previousId'],
  ...['event', 'name', 'category', 'properties', 'traits', 'context', 'integrations'],
  ...['timestamp', 'originalTimestamp', 'sentAt', 'receivedAt', 'receipt', 'writeKey', '__proto__'],
]);
const RECORD_FIELDS = ['action', 'fields', 'identifiers'] as const;

/**
 * Brings an object into canonical form by the rules of contract section 5. It only moves, fills in and takes away; a
 * known field of a wrong type stays as it is for the schema to refuse, so that one place says what is valid. Shares the
 * sub-objects of `raw` and never changes them.
 */
export function toCanonical(raw: JsonObject, facts: DeliveryFacts): Candidate {
  const untyped = facts.untyped !== undefined && (raw['type'] ?? null) === null;
  const sent = untyped ? wrapUntyped(raw, facts.untyped) : raw;

  const arrival = facts.receivedAtText ?? formatTimestamp(facts.receivedAt);
  const times = readTimes(sent, facts.receivedAt, arrival);
  const messageId = readMessageId(sent['messageId']);
  const type = sent['type'];
  const kind = typeof type === 'string' ? type.toLowerCase() : type;

  // The order of keys is what people read in files and terminals: what, who, which, then the rest.
  const event: JsonObject = {};
  put(event, 'type', kind);
  event['messageId'] = messageId ?? facts.uuid();
  put(event, 'userId', readId(sent['userId']));
  put(event, 'anonymousId', readId(sent['anonymousId']));
  put(event, 'groupId', readId(sent['groupId']));
  put(event, 'previousId', readId(sent['previousId']));
  put(event, 'event', sent['event']);
  put(event, 'name', sent['name']);
  put(event, 'category', sent['category']);
  put(event, 'properties', sent['properties']);
  put(event, 'traits', kind === 'identify' ? identifyTraits(sent) : sent['traits']);
  event['context'] = canonicalContext(sent['context'], sent['request_ip']);
  event['integrations'] = sent['integrations'] ?? {};
  event['timestamp'] = times.timestamp;
  put(event, 'originalTimestamp', times.originalTimestamp);
  put(event, 'sentAt', times.sentAt);
  event['receivedAt'] = times.receivedAt;
  for (const key of Object.keys(sent)) {
    const value = sent[key];
    if (value !== undefined && !PLACED.has(key)) event[key] = value;
  }
  if (kind === 'record') {
    for (const field of RECORD_FIELDS) if (event[field] === null) delete event[field];
  }
  event['receipt'] = receiptOf(facts, arrival, times, messageId === undefined);
  return { event, messageIdGenerated: messageId === undefined };
}

/** Sets a known field, for which null is no value: Segment sends `category: null`, and `context: null` in deletions. */
function put(event: JsonObject, field: string, value: JsonValue | undefined): void {
  if (value !== undefined && value !== null) event[field] = value;
}

/** RudderStack takes any JSON as an id and passes it on. A boolean names nobody: it is left for the schema to refuse. */
function readId(value: JsonValue | undefined): JsonValue | undefined {
  if (value === '' || value === null) return undefined;
  // 1e999 parses as Infinity: an id that all such users would share.
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  return typeof value === 'object' ? JSON.stringify(value) : value;
}

function readMessageId(value: JsonValue | undefined): string | undefined {
  // 1e999 parses as Infinity, which would make all such events duplicates of each other.
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  if (typeof value !== 'string' || value === '') return undefined;
  if (value.length <= LONGEST_MESSAGE_ID) return value;
  const fits =
    value.length <= 2 * LONGEST_MESSAGE_ID && Array.from(value).length <= LONGEST_MESSAGE_ID;
  return fits ? value : undefined;
}

/** RudderStack's browser SDK sends the traits of an identify in `context` only. */
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
  };
  if (messageIdGenerated) receipt.messageIdGenerated = true;
  if (times.unreadable !== undefined) receipt.unreadable = times.unreadable;
  if (facts.collisions !== undefined && facts.collisions.length > 0) {
    receipt.collisions = [...facts.collisions];
  }
  return receipt;
}
