import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../event/event.js';

const AUDIENCE = 'first_time_shopper';
const TRAIT = 'total_revenue_180_days';

/**
 * What Segment's Engage (once Personas) sends of audiences and computed traits, in the order of a user's way through them:
 * each as a track event and as an identify. Names and members are those of its documentation; what its ids look like
 * beyond their prefixes is not documented.
 */
const ENGAGE: readonly JsonObject[] = [
  {
    type: 'track',
    event: 'Audience Entered',
    properties: { audience_key: AUDIENCE, [AUDIENCE]: true },
  },
  { type: 'identify', traits: { [AUDIENCE]: true } },
  {
    type: 'track',
    event: 'Audience Exited',
    properties: { audience_key: AUDIENCE, [AUDIENCE]: false },
  },
  { type: 'identify', traits: { [AUDIENCE]: false } },
  { type: 'track', event: 'Trait Computed', properties: { trait_key: TRAIT, [TRAIT]: 450 } },
  { type: 'identify', traits: { [TRAIT]: 450 } },
];

/** The event at this place of Engage's round. `index` may be any count of events made before. */
export function engageBody(index: number): JsonObject {
  return ENGAGE[index % ENGAGE.length] ?? {};
}

/** What else tells Engage's events from others: where they were computed, and the form of their ids. */
export function fromEngage(event: JsonObject, index: number): JsonObject {
  const isTrait = index % ENGAGE.length >= 4;
  return {
    ...event,
    context: {
      personas: {
        computation_class: isTrait ? 'trait' : 'audience',
        computation_id: isTrait ? 'trt_2Qz4rXhK1v' : 'aud_2Qz4rXhK1v',
        computation_key: isTrait ? TRAIT : AUDIENCE,
        namespace: 'spa_9mT3kLw7yB',
        space_id: 'spa_9mT3kLw7yB',
      },
    },
    messageId: `personas_${randomUUID()}`,
  };
}

/** What the destination asks with for an audience that is not there yet. */
export function audienceToCreate(): JsonObject {
  return { audienceName: AUDIENCE };
}

/** What it asks with for one that is. */
export function audienceToGet(): JsonObject {
  return { externalId: 'audience-1' };
}
