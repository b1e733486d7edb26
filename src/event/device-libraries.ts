import { isObject, type JsonObject } from '../core/json.js';

/** Segment's libraries that run on a user's device, by their `context.library.name`, and the kind of device. */
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

/**
 * Returns the kind of device a message was sent from, in RudderStack's terms; undefined if it was not a user's device.
 */
export function deviceOf({ library }: JsonObject): 'web' | 'mobile' | undefined {
  return isObject(library) ? CHANNELS.get(library['name']) : undefined;
}
