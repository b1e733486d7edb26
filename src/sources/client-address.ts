import { deviceOf } from '../event/device-libraries.js';
import { isObject, type JsonObject } from '../event/event.js';
import type { Delivery } from './source.js';

const CHANNELS: ReadonlySet<unknown> = new Set(['client', 'browser', 'mobile']);

/**
 * The message with the address of its connection in `context.ip`, where it has none and Segment would write it there: for
 * what comes from a user's device, or asks for it by `context.direct: true`. A server's own address says nothing about a
 * user, nor does that of a bridge before us.
 */
export function withClientAddress(message: JsonObject, delivery: Delivery): JsonObject {
  const context = message['context'] ?? {};
  if (!isObject(context) || context['ip'] !== undefined) return message;
  const wanted = context['direct'] === true || isFromDevice(message, context, delivery);
  if (!wanted || isObject(context['trackbridge'])) return message;
  return { ...message, context: { ...context, ip: delivery.remote } };
}

/** Only pages say what origin they are of, and only they load images. */
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
