import { randomUUID } from 'node:crypto';

/** The most products in an event: each has five keys, and an event may have 10,000. */
const MOST_PRODUCTS = 1_000;

const product = (index: number): object => ({
  product_id: `p-${index}`,
  sku: `sku-${index % 97}`,
  name: 'A board game for two to six',
  price: 18.99,
  quantity: 1,
});

/** A track event as Segment sends it, of about so many bytes as JSON: 200 at least, and 1,200 with a full context. */
export function renderEvent(user: number, bytes: number): object {
  const common = {
    type: 'track',
    event: 'Order Completed',
    messageId: randomUUID(),
    userId: `user-${user}`,
  };
  if (bytes < 1_000) {
    const event = { ...common, properties: { revenue: 39.95, note: '' } };
    return padded(event, bytes, (note) => ({ ...event, properties: { revenue: 39.95, note } }));
  }
  const products = Math.min(MOST_PRODUCTS, Math.max(2, Math.floor((bytes - 1_200) / 100)));
  const event = {
    ...common,
    anonymousId: 'a5f1c6de-3f7c-4f38-9d0f-6a3b2c1d0e9f',
    channel: 'server',
    timestamp: '2026-01-02T03:04:05.678Z',
    originalTimestamp: '2026-01-02T03:04:05.600Z',
    sentAt: '2026-01-02T03:04:05.700Z',
    receivedAt: '2026-01-02T03:04:05.778Z',
    context: {
      ip: '203.0.113.7',
      locale: 'de-DE',
      library: { name: 'analytics.js', version: '2.11.1' },
      page: { path: '/checkout', title: 'Checkout', url: 'https://shop.example/checkout' },
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36',
    },
    integrations: { All: true },
  };
  const properties = {
    order_id: 'o-4711',
    revenue: 39.95,
    currency: 'EUR',
    products: Array.from({ length: products }, (_, index) => product(index)),
    note: '',
  };
  return padded({ ...event, properties }, bytes, (note) => ({
    ...event,
    properties: { ...properties, note },
  }));
}

function padded(event: object, bytes: number, withNote: (note: string) => object): object {
  const missing = bytes - JSON.stringify(event).length;
  return missing > 0 ? withNote('x'.repeat(missing)) : event;
}
