import type { JsonObject } from '../../src/core/json.js';

/** One call of an SDK: the method and what it is given. */
export interface Call {
  readonly type: 'identify' | 'track' | 'page' | 'screen' | 'group' | 'alias';
  readonly message: Readonly<Record<string, unknown>> & { readonly messageId: string };
}

/** Values that have been lost or bent between two systems before. */
const ODD = {
  unicode: 'Zoë 🦓 \u202eright to left\u202c \u2028 \u0000 日本語',
  surrogate: 'half a \ud83e pair',
  'key.with.dots': true,
  'ключ 🔑': 1,
  '': 'no name',
  quotes: `"'\\/<>&`,
  nothing: null,
  empty: '',
  numbers: [0, -0, 0.1, 39.95, 1e21, 5e-324, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, -1e-7],
  numeric: '007',
  yes: true,
  no: false,
  at: new Date('2024-02-29T23:59:59.999Z'),
  nested: [[], {}, [[1, [2, [null]]]], { deep: [{ er: [{ still: new Date(0) }] }] }],
  products: [{ product_id: '1', price: 19, tags: ['a', 'b'] }, { product_id: null }],
  long: 'x'.repeat(10_000),
};

/** Long before it is sent, as by an importer. */
export const TIME = '2024-01-02T03:04:05.678Z';

/** Every method with everything that it takes, and the least that it takes. Anew each time: SDKs write into what they get. */
export function everyCall(): readonly Call[] {
  const page = { url: 'https://x.example/', odd: ODD };
  return [
    { type: 'identify', message: { messageId: 'i-1', userId: 'u-1', traits: ODD, ...common() } },
    { type: 'identify', message: { messageId: 'i-2', anonymousId: 'a-2' } },
    { type: 'track', message: trackOf('t-1', { properties: ODD, ...common() }) },
    { type: 'track', message: { messageId: 't-2', anonymousId: 'a-2', event: 'Zoë’s 🦓 Event' } },
    {
      type: 'page',
      message: {
        ...{ messageId: 'p-1', userId: 'u-1', category: 'Docs', name: 'Home', properties: page },
        ...common(),
      },
    },
    { type: 'page', message: { messageId: 'p-2', anonymousId: 'a-2' } },
    {
      type: 'screen',
      message: { messageId: 's-1', userId: 'u-1', name: 'Main', properties: ODD, ...common() },
    },
    {
      type: 'group',
      message: { messageId: 'g-1', userId: 'u-1', groupId: 'g', traits: ODD, ...common() },
    },
    { type: 'group', message: { messageId: 'g-2', anonymousId: 'a-2', groupId: 'g' } },
    {
      type: 'alias',
      message: { messageId: 'al-1', userId: 'u-1', previousId: 'a-2', ...common() },
    },
  ];
}

/** What every method takes beside its own. */
function common(): object {
  return {
    context: {
      ip: '203.0.113.7',
      locale: 'de-AT',
      campaign: { name: 'spring', source: 'news' },
      page: { url: 'https://shop.example/p?q=ü', title: 'T' },
      active: true,
      own: { odd: ODD },
    },
    integrations: { All: false, Mixpanel: true, Amplitude: { sessionId: 1577836800000 } },
    timestamp: new Date(TIME),
  };
}

/** A track call of the same user every time. */
export function track(messageId: string): Call {
  return { type: 'track', message: trackOf(messageId, { properties: { revenue: 39.95 } }) };
}

function trackOf(messageId: string, more: object): Call['message'] {
  return { messageId, userId: 'u-1', anonymousId: 'a-1', event: 'Order Completed', ...more };
}

/** What a receiver can see of a call: its message as JSON. */
export function jsonOf({ message }: Call): JsonObject {
  return JSON.parse(JSON.stringify(message));
}
