import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../core/json.js';

const AUDIENCE = 'first_time_shopper';
const TRAIT = 'total_revenue_180_days';

/**
 * What Segment's Engage (formerly Personas) sends for audiences and computed traits, in the order of a user's journey:
 * each as a track event and as an identify. Names and members follow its documentation, which does not specify its ids
 * beyond their prefixes.
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

/** Returns the event at this position of Engage's cycle. `index` may be any count of events made before. */
export function engageBody(index: number): JsonObject {
  return ENGAGE[index % ENGAGE.length] ?? {};
}

/** Adds what else distinguishes Engage's events: where they were computed, and the form of their ids. */
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

/** Returns the request body for an audience that does not exist yet. */
export function audienceToCreate(): JsonObject {
  return { audienceName: AUDIENCE };
}

/** Returns the request body for an existing audience. */
export function audienceToGet(): JsonObject {
  return { externalId: 'audience-1' };
}
