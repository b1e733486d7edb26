import type { JsonObject } from '../../../src/core/json.js';
import type { Side } from '../../../src/parity/settings.js';
import type { Random } from './random.js';

/** What was done to one call, and what the report must say about it. */
export type Fate =
  | 'equal'
  | 'lostLeft'
  | 'lostRight'
  | 'value'
  | 'type'
  | 'missing'
  | 'extra'
  | 'precision';

/** One call of the application, as it reaches both sides. */
export interface Call {
  readonly id: number;
  readonly fate: Fate;
  /** The call is followed by an identical one within milliseconds. */
  readonly isTwin: boolean;
  readonly deliveries: readonly Delivery[];
}

export interface Delivery {
  readonly side: Side;
  /** When it arrives, in milliseconds since the epoch. */
  readonly at: number;
  readonly event: JsonObject;
}

export interface TrafficOptions {
  readonly calls: number;
  readonly start: number;
  /** Whether both sides have the same messageIds. */
  readonly sharesIds: boolean;
  /** Whether many calls are repeated within 200 ms. */
  readonly bursts: boolean;
}

const NAMES = ['Product Viewed', 'Product Added', 'Order Completed', 'Signed Up', 'Search'];
const FATES: readonly (readonly [Fate, number])[] = [
  ...([
    ['lostLeft', 0.02],
    ['lostRight', 0.03],
    ['value', 0.01],
    ['type', 0.01],
    ['missing', 0.01],
    ['extra', 0.005],
    ['precision', 0.005],
  ] as const),
];

/**
 * Yields calls in the order of their time: drops, repeats, changed fields, delays, skewed clocks, and 1 % twins. Half of
 * the users are anonymous and have another anonymousId on each side.
 */
export function* traffic(random: Random, options: TrafficOptions): Generator<Call> {
  let at = options.start;
  let id = 0;
  while (id < options.calls) {
    at += random.exponential(3_000);
    const user = random.integer(1_500);
    const skew = user % 10 === 0 ? 3_600_000 * (user % 2 === 0 ? 1 : -1) : 0;
    const name = NAMES[random.integer(NAMES.length)] ?? '';
    const properties = propertiesOf(random);
    const isTwin = random.chance(0.01);
    const repeats = isTwin ? 2 : options.bursts && random.chance(0.15) ? 2 + random.integer(4) : 1;
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      if (repeat > 0) at += isTwin ? 1 : 1 + random.integer(200);
      id += 1;
      // What happens to one of several identical calls is only visible in the count.
      const fate = fateOf(random, repeats > 1);
      yield callOf(random, { id, at, skew, user, name, properties, fate, isTwin }, options);
    }
  }
}

interface Plan {
  readonly id: number;
  readonly at: number;
  readonly skew: number;
  readonly user: number;
  readonly name: string;
  readonly properties: JsonObject;
  readonly fate: Fate;
  readonly isTwin: boolean;
}

function callOf(random: Random, plan: Plan, { sharesIds }: TrafficOptions): Call {
  const { at, fate, id, isTwin, skew } = plan;
  const deliveries = (['left', 'right'] as const).flatMap((side): Delivery[] => {
    if (fate === (side === 'left' ? 'lostLeft' : 'lostRight')) return [];
    const call = at + (side === 'right' ? random.exponential(8) : 0);
    const delay = random.chance(0.02) ? random.exponential(60_000) : random.exponential(400);
    const called = new Date(Math.round(call + skew)).toISOString();
    const event: JsonObject = {
      type: 'track',
      event: plan.name,
      messageId: sharesIds ? `m-${id}` : `${side}-${id}`,
      ...whoOf(plan.user, side),
      properties: side === 'left' ? plan.properties : changed(plan.properties, fate),
      context: { userAgent: `Mozilla/5.0 (${plan.user % 50})` },
      integrations: {},
      originalTimestamp: called,
      timestamp: new Date(Math.round(call + random.exponential(50))).toISOString(),
    };
    const arrival = Math.round(call + 500 + delay);
    const first = { side, at: arrival, event };
    const again = { side, at: arrival + 5_000 + random.integer(60_000), event };
    return random.chance(0.005) ? [first, again] : [first];
  });
  return { id, fate, isTwin, deliveries };
}

function whoOf(user: number, side: Side): JsonObject {
  return user % 2 === 0 ? { userId: `u${user}` } : { anonymousId: `${side}-visitor-${user}` };
}

function propertiesOf(random: Random): JsonObject {
  return {
    sku: `sku-${random.integer(5_000)}`,
    price: random.integer(10_000) / 100 + 0.007,
    quantity: 1 + random.integer(9),
    coupon: `c${random.integer(100)}`,
  };
}

/** Returns the properties of the right side. Each change is at a path of its own. */
function changed(properties: JsonObject, fate: Fate): JsonObject {
  switch (fate) {
    case 'value':
      return { ...properties, sku: `${String(properties['sku'])}-x` };
    case 'type':
      return { ...properties, quantity: String(properties['quantity']) };
    case 'missing': {
      const { coupon, ...rest } = properties;
      return rest;
    }
    case 'extra':
      return { ...properties, added: true };
    case 'precision':
      return { ...properties, price: Math.round(Number(properties['price']) * 100) / 100 };
    default:
      return properties;
  }
}

function fateOf(random: Random, isRepeated: boolean): Fate {
  let share = random.next();
  for (const [fate, part] of FATES) {
    if (share < part) return isRepeated && !fate.startsWith('lost') ? 'equal' : fate;
    share -= part;
  }
  return 'equal';
}
