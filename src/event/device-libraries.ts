import { isObject, type JsonObject } from './event.js';

/** Segment's libraries that run on a user's device, by what they write into `context.library.name`, and on what. */
const CHANNELS: ReadonlyMap<unknown, 'web' | 'mobile'> = new Map([
  ['analytics.js', 'web'],
  ['analytics-ios', 'mobile'],
  ['analytics-android', 'mobile'],
  ['analytics-swift', 'mobile'],
  ['analytics-kotlin', 'mobile'],
  ['analytics-react-native', 'mobile'],
  ['@segment/analytics-react-native', 'mobile'],
  ['analytics-flutter', 'mobile'],
]);

/** What a message with this context was sent from, as RudderStack calls it; undefined where that is no user's device. */
export function deviceOf({ library }: JsonObject): 'web' | 'mobile' | undefined {
  return isObject(library) ? CHANNELS.get(library['name']) : undefined;
}
