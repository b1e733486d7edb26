import { createHash } from 'node:crypto';
import { isObject, type JsonObject } from './event.js';

/** Segment deduplicates by messageIds of up to 100 characters. */
const LONGEST = 100;

/** A messageId that Segment takes, the same for the same id: a hash stands for one that is too long. */
export function segmentMessageId(messageId: string): string {
  if (messageId.length <= LONGEST || Array.from(messageId).length <= LONGEST) return messageId;
  return `sha256-${createHash('sha256').update(messageId).digest('hex')}`;
}

/** A copy of `context` that remembers, under `trackbridge.messageId`, the id that a hash stands for. */
export function rememberMessageId(context: JsonObject, messageId: string): JsonObject {
  const mark = isObject(context['trackbridge']) ? context['trackbridge'] : {};
  return { ...context, trackbridge: { ...mark, messageId } };
}

/**
 * Undoes both on a message that has come back: the id as it was, and the context without it. Only where the hash fits;
 * nobody gets an event under another's id by writing into its context.
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
