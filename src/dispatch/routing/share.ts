import { hash } from 'node:crypto';
import type { CanonicalEvent } from '../../event/event.js';

/** The id by which a share is measured. */
export type ShareBy = 'userId' | 'anonymousId' | 'groupId' | 'messageId';

/** The ids used instead if an event lacks the one that is measured by. */
const FALLBACKS: Readonly<Record<ShareBy, readonly ShareBy[]>> = {
  userId: ['userId', 'anonymousId', 'messageId'],
  anonymousId: ['anonymousId', 'userId', 'messageId'],
  groupId: ['groupId', 'userId', 'anonymousId', 'messageId'],
  messageId: ['messageId'],
};

/**
 * Returns an event's position among all users, from 0 to below 100. It is the same for the same id on every machine, in
 * every version and for every sink. So users already included stay included when a share grows, and two sinks can have
 * a share each.
 */
export function placeOf(event: CanonicalEvent, by: ShareBy): number {
  const id = FALLBACKS[by].map((field) => event[field]).find(isId) ?? '';
  return (hash('sha256', id, 'buffer').readUInt32BE(0) / 2 ** 32) * 100;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
