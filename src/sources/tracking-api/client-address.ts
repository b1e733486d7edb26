import { isObject, type JsonObject } from '../../core/json.js';
import { deviceOf } from '../../event/device-libraries.js';
import { objectOf } from '../../event/event.js';
import type { Delivery } from '../source.js';

const CHANNELS: ReadonlySet<unknown> = new Set(['client', 'browser', 'mobile']);

/**
 * Adds the address of the connection as `context.ip` if the message has none and Segment would add it: if it comes from
 * a user's device, or requests it with `context.direct: true`. The address of a server, or of a bridge in front of this
 * receiver, says nothing about the user.
 */
export function withClientAddress(message: JsonObject, delivery: Delivery): JsonObject {
  const context = objectOf(message['context'] ?? {});
  if (!isObject(context) || context['ip'] !== undefined) return message;
  const wanted = context['direct'] === true || isFromDevice(message, context, delivery);
  if (!wanted || delivery.remote === '' || isObject(context['trackbridge'])) return message;
  return { ...message, context: { ...context, ip: delivery.remote } };
}

/** Only web pages send `Origin` and load images. */
function isFromDevice(
  { channel }: JsonObject,
  context: JsonObject,
  { headers, method }: Delivery,
): boolean {
  return (
    method === 'GET' ||
    headers.first('origin') !== undefined ||
    CHANNELS.has(channel) ||
    deviceOf(context) !== undefined
  );
}
