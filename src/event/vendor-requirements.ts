import type { CanonicalEvent, JsonValue } from './event.js';
import { visible } from './from-rudderstack.js';

const SEGMENT_TYPES: ReadonlySet<string> = new Set([
  ...['identify', 'track', 'page', 'screen', 'group', 'alias'],
]);
const RUDDERSTACK_TYPES: ReadonlySet<string> = new Set([
  ...SEGMENT_TYPES,
  ...['record', 'merge', 'extract', 'audiencelist'],
]);
/** The gateway asks for no user here: a row of a warehouse belongs to none. */
const WITHOUT_USER: ReadonlySet<string> = new Set(['record', 'extract']);

const SEGMENT_NEEDS: ReadonlyMap<string, readonly [field: string, words: string]> = new Map([
  ['track', ['event', "a track's event name"]],
  ['group', ['groupId', "a group's groupId"]],
  ['alias', ['previousId', "an alias's previousId"]],
]);

/**
 * Why Segment would not take an event, undefined where it would. Its tracking API answers 200 to almost everything and
 * drops what lacks something later, unseen: such an event must not count as delivered.
 */
export function missingForSegment(event: CanonicalEvent): string | undefined {
  const { type } = event;
  if (type === 'delete') {
    return "Segment's tracking API takes no delete: ask for the deletion in Segment's privacy portal";
  }
  if (!SEGMENT_TYPES.has(type)) return `Segment knows no events of type ${type}`;
  if (!names(event['userId']) && !names(event['anonymousId'])) {
    return 'Segment needs a userId or an anonymousId, and the event has neither';
  }
  const [field, words] = SEGMENT_NEEDS.get(type) ?? [];
  if (field === undefined || names(event[field])) return undefined;
  return `Segment needs ${words}, and the event has none`;
}

/**
 * Why RudderStack would not take an event, undefined where it would. Its gateway refuses a whole batch for one event
 * without a user, and hands unknown types on to destinations that drop them.
 */
export function missingForRudderstack(event: CanonicalEvent): string | undefined {
  const { type } = event;
  if (!RUDDERSTACK_TYPES.has(type)) return `RudderStack knows no events of type ${type}`;
  const shows = [event['userId'], event['anonymousId']].some(
    (id) => typeof id === 'string' && visible(id) !== '',
  );
  if (WITHOUT_USER.has(type) || shows) return undefined;
  return 'RudderStack needs a userId or an anonymousId, and the event has neither';
}

/** Spaces name nobody. */
function names(value: JsonValue | undefined): boolean {
  return typeof value === 'string' && value.trim() !== '';
}
