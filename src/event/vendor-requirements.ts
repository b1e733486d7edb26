import type { JsonObject, JsonValue } from '../core/json.js';
import type { CanonicalEvent } from './event.js';
import { visible } from './visible.js';

const SEGMENT_TYPES: ReadonlySet<string> = new Set([
  ...['identify', 'track', 'page', 'screen', 'group', 'alias'],
]);
const RUDDERSTACK_TYPES: ReadonlySet<string> = new Set([
  ...SEGMENT_TYPES,
  ...['record', 'merge', 'extract', 'audiencelist'],
]);
/** RudderStack's gateway requires no user for these types: a row of a warehouse has none. */
const WITHOUT_USER: ReadonlySet<string> = new Set(['record', 'extract']);

/** The field that both vendors require of a type, besides a user. */
const REQUIRED: ReadonlyMap<JsonValue, readonly [field: string, words: string]> = new Map([
  ['track', ['event', "a track's event name"]],
  ['group', ['groupId', "a group's groupId"]],
  ['alias', ['previousId', "an alias's previousId"]],
]);

/** Returns the field that both vendors require of this type and the event lacks; undefined if it lacks none. */
export function missingField(event: JsonObject): string | undefined {
  const [field] = REQUIRED.get(event['type'] ?? null) ?? [];
  return field === undefined || names(event[field]) ? undefined : field;
}

/**
 * Returns why Segment would drop an event, or undefined. Segment's tracking API answers 200 to almost everything and
 * silently drops incomplete events later. Such an event must not count as delivered.
 */
export function missingForSegment(event: CanonicalEvent): string | undefined {
  const { type } = event;
  if (type === 'delete') {
    return "Segment's tracking API does not accept delete events: request the deletion in Segment's privacy portal";
  }
  if (!SEGMENT_TYPES.has(type)) return `Segment does not accept events of type ${type}`;
  if (!names(event['userId']) && !names(event['anonymousId'])) {
    return 'Segment requires a userId or an anonymousId, but the event has neither';
  }
  if (missingField(event) === undefined) return undefined;
  return `Segment requires ${REQUIRED.get(type)?.[1]}, but the event has none`;
}

/**
 * Returns why RudderStack would reject or drop an event, or undefined. RudderStack's gateway rejects a whole batch for
 * one event without a user, and passes unknown types on to destinations that drop them.
 */
export function missingForRudderstack(event: CanonicalEvent): string | undefined {
  const { type } = event;
  if (!RUDDERSTACK_TYPES.has(type)) return `RudderStack does not accept events of type ${type}`;
  const shows = [event['userId'], event['anonymousId']].some(
    (id) => typeof id === 'string' && visible(id) !== '',
  );
  if (WITHOUT_USER.has(type) || shows) return undefined;
  return 'RudderStack requires a userId or an anonymousId, but the event has neither';
}

/** White space identifies nobody. Values that are not strings become strings in the canonical form. */
function names(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null) return false;
  return typeof value !== 'string' || value.trim() !== '';
}
