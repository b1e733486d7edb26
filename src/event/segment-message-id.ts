import { createHash } from 'node:crypto';
import { isObject, type JsonObject } from '../core/json.js';

/** Segment deduplicates by messageIds of up to 100 characters. */
const LONGEST = 100;

/**
 * Returns a messageId that Segment accepts: the id itself, or its hash if it is too long. The result is deterministic.
 */
export function segmentMessageId(messageId: string): string {
  if (messageId.length <= LONGEST || Array.from(messageId).length <= LONGEST) return messageId;
  return `sha256-${createHash('sha256').update(messageId).digest('hex')}`;
}

/** Returns a copy of `context` that keeps the original id of a hash under `trackbridge.messageId`. */
export function rememberMessageId(context: JsonObject, messageId: string): JsonObject {
  const mark = isObject(context['trackbridge']) ? context['trackbridge'] : {};
  return { ...context, trackbridge: { ...mark, messageId } };
}

/**
 * Restores the original id of a message that has come back, and removes it from the context. It does so only if the
 * hash matches, so that a sender cannot give an event another event's id through its context.
 */
export function restoreMessageId(message: JsonObject): JsonObject {
  const context = message['context'];
  const mark = isObject(context) ? context['trackbridge'] : undefined;
  if (!isObject(context) || !isObject(mark)) return message;
  const { messageId, ...others } = mark;
  if (typeof messageId !== 'string' || messageId === message['messageId']) return message;
  if (segmentMessageId(messageId) !== message['messageId']) return message;
  const { trackbridge: _, ...rest } = context;
  const marked = Object.keys(others).length === 0 ? rest : { ...rest, trackbridge: others };
  return { ...message, messageId, context: marked };
}
