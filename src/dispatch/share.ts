import { hash } from 'node:crypto';
import type { CanonicalEvent } from '../event/event.js';

/** Whose share is counted. */
export type ShareBy = 'userId' | 'anonymousId' | 'groupId' | 'messageId';

/** What stands in where an event lacks the id that is counted by. */
const FALLBACKS: Readonly<Record<ShareBy, readonly ShareBy[]>> = {
  userId: ['userId', 'anonymousId', 'messageId'],
  anonymousId: ['anonymousId', 'userId', 'messageId'],
  groupId: ['groupId', 'userId', 'anonymousId', 'messageId'],
  messageId: ['messageId'],
};

/**
 * Where an event stands among all users, from 0 to below 100: the same for the same id on every machine, in every version
 * and for every sink, so that a share that grows keeps who was in it, and two sinks can have a share each.
 */
export function placeOf(event: CanonicalEvent, by: ShareBy): number {
  const id = FALLBACKS[by].map((field) => event[field]).find(isId) ?? '';
  return (hash('sha256', id, 'buffer').readUInt32BE(0) / 2 ** 32) * 100;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
