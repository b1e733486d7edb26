import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../core/json.js';
import { EVENT_TYPES, type Vendor } from '../../event/event.js';
import { engageBody, fromEngage } from './engage.js';
import { SHOPPING } from './shopping.js';

/**
 * What `sampleEvent` can make: a type of event; with `ecommerce` the next event of a visit to a shop; with `engage` the
 * next event of Segment's audiences and computed traits.
 */
export const SAMPLE_TYPES = [...EVENT_TYPES, 'ecommerce', 'engage'] as const;
export type SampleType = (typeof SAMPLE_TYPES)[number];

export interface SampleOptions {
  readonly vendor: Vendor;
  readonly type: SampleType;
  /** The name of a track event. A name of the e-commerce specification determines its properties. */
  readonly event: string | undefined;
  /** The number of events made before. Each gets the next of a hundred users. */
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const COMPANY: JsonObject = { name: 'Initech', industry: 'Technology', employees: 329 };
const PERSON: JsonObject = {
  name: 'Zoë Example',
  email: 'zoe@example.com',
  plan: 'premium',
  logins: 5,
  address: { city: 'Zürich', country: 'CH' },
};

/** Returns a realistic event as this vendor sends it, with its own messageId and times. */
export function sampleEvent(options: SampleOptions): JsonObject {
  const { vendor, type, index, now } = options;
  const userId = `user-${index % 100}`;
  if (type === 'delete') return deletion(userId, now);
  const body = bodyOf(options);
  if (type === 'engage') return fromEngage(asSegment(body, userId, now), index);
  return vendor === 'segment' ? asSegment(body, userId, now) : asRudderstack(body, userId, now);
}

function bodyOf({ type, event, index }: SampleOptions): JsonObject {
  switch (type) {
    case 'identify':
      return { type, traits: PERSON };
    case 'page':
      return {
        type,
        name: 'Home',
        category: null,
        properties: { path: '/', title: 'Welcome', url: 'https://shop.example.com/', search: '' },
      };
    case 'screen':
      return { type, name: 'Cart', properties: { variation: 'blue', items: 2 } };
    case 'group':
      return { type, groupId: 'company-1', traits: COMPANY };
    case 'alias':
      return { type, previousId: 'anonymous-before' };
    case 'record':
      return {
        type,
        action: 'insert',
        fields: { email: 'zoe@example.com', plan: 'premium' },
        identifiers: { id: 'row-1' },
      };
    case 'ecommerce': {
      const names = Object.keys(SHOPPING);
      const name = names[index % names.length] ?? '';
      return { type: 'track', event: name, properties: SHOPPING[name] ?? {} };
    }
    case 'engage':
      return engageBody(index);
    default: {
      const name = event ?? 'Order Completed';
      const known = Object.hasOwn(SHOPPING, name) ? SHOPPING[name] : undefined;
      return { type, event: name, properties: known ?? { source: 'trackbridge send' } };
    }
  }
}

// The shape of a delivered event in Segment's partner specification.
function asSegment(body: JsonObject, userId: string, now: number): JsonObject {
  const time = new Date(now).toISOString();
  return {
    _metadata: { bundled: ['Segment.io'], unbundled: [] },
    anonymousId: randomUUID(),
    channel: 'client',
    context: {
      ip: '203.0.113.7',
      library: { name: 'analytics.js', version: 'next-1.70.0' },
      locale: 'de-CH',
      page: { path: '/', title: 'Welcome', url: 'https://shop.example.com/' },
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
    },
    ...body,
    integrations: {},
    messageId: `ajs-next-${now}-${randomUUID()}`,
    originalTimestamp: time,
    projectId: 'P0OJ3CTID1',
    receivedAt: time,
    sentAt: time,
    timestamp: time,
    userId,
    version: 2,
  };
}

// An SDK's event with the fields that gateway and processor add (rudder-server).
function asRudderstack(body: JsonObject, userId: string, now: number): JsonObject {
  const time = new Date(now).toISOString();
  return {
    ...body,
    anonymousId: randomUUID(),
    channel: 'web',
    context: {
      library: { name: 'RudderLabs JavaScript SDK', version: '3.11.4' },
      locale: 'de-CH',
      traits: PERSON,
    },
    integrations: { All: true },
    messageId: randomUUID(),
    originalTimestamp: time,
    receivedAt: time,
    request_ip: '203.0.113.7',
    rudderId: randomUUID(),
    sentAt: time,
    timestamp: time,
    userId,
  };
}

// Segment's deletion requests: nulls, no anonymousId, and a time as Go prints it.
function deletion(userId: string, now: number): JsonObject {
  const time = new Date(now).toISOString();
  return {
    type: 'delete',
    channel: 'server',
    userId,
    context: null,
    integrations: null,
    messageId: `delete-reg-${randomUUID()}::job-1-P0OJ3CTID1`,
    projectId: 'P0OJ3CTID1',
    timestamp: time,
    receivedAt: time,
    sentAt: time,
    originalTimestamp: `${time.slice(0, 10)} ${time.slice(11, 23)}808489 +0000 UTC m=+70366.298768264`,
  };
}
