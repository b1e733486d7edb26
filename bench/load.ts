import { createHmac } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export const SECRET = 'the-secret-of-the-benchmark';

/** What a run of the load generator saw. Latencies are in milliseconds. */
export interface Load {
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly refused: number;
  /** How long it took. */
  readonly seconds: number;
}

/** A signed POST of one 1.2 kB track event as Segment sends it, ready for the socket. `id` makes it no duplicate. */
export function renderRequest(id: string): Buffer {
  const event = {
    type: 'track',
    event: 'Order Completed',
    messageId: id,
    userId: `user-${id.length}${id.slice(-3)}`,
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
      page: {
        path: '/checkout',
        referrer: '',
        title: 'Checkout',
        url: 'https://shop.example/checkout',
      },
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36',
    },
    integrations: { All: true },
    properties: {
      order_id: 'o-4711',
      revenue: 39.95,
      currency: 'EUR',
      products: [
        { product_id: 'p-1', sku: 'g-32', name: 'Monopoly', price: 18.99, quantity: 1 },
        {
          product_id: 'p-2',
          sku: 'u-14',
          name: 'Uno',
          price: 20.96,
          quantity: 1,
          category: 'Games',
        },
      ],
      note: 'x'.repeat(190),
    },
  };
  const body = JSON.stringify(event);
  const signature = createHmac('sha1', SECRET).update(body).digest('hex');
  return Buffer.from(
    `POST /segment HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: Segment.io/1.0\r\n` +
      `content-type: application/json\r\nx-signature: ${signature}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/**
 * Keeps `connections` busy, one request at a time on each, for `seconds`; with `perSecond` no faster than that in all.
 * A generator of its own, since it must be cheaper than what it measures: requests are rendered beforehand and answers
 * are told apart by their first line and length only.
 */
export async function load(options: {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly perSecond?: number;
  /** The next request, or undefined where there are no more: then the run ends early. */
  next(): Buffer | undefined;
}): Promise<Load> {
  const latencies: number[] = [];
  let refused = 0;
  const startedAt = performance.now();
  const until = startedAt + options.seconds * 1000;
  let sent = 0;

  const run = (socket: Socket): Promise<void> =>
    new Promise((resolve, reject) => {
      let sentAt = 0;
      let answer = '';
      const send = (): void => {
        const now = performance.now();
        if (now >= until) {
          socket.destroy();
          resolve();
          return;
        }
        if (options.perSecond !== undefined) {
          const due = startedAt + (sent / options.perSecond) * 1000;
          if (due > now + 1) {
            setTimeout(send, due - now);
            return;
          }
        }
        const request = options.next();
        if (request === undefined) {
          socket.destroy();
          resolve();
          return;
        }
        sent++;
        sentAt = performance.now();
        socket.write(request);
      };
      socket.setEncoding('latin1').on('data', (text: string) => {
        answer += text;
        const head = answer.indexOf('\r\n\r\n');
        if (head === -1) return;
        const length = /content-length: (\d+)/i.exec(answer)?.[1] ?? '0';
        if (answer.length < head + 4 + Number(length)) return;
        latencies.push(performance.now() - sentAt);
        if (!answer.startsWith('HTTP/1.1 200')) refused++;
        answer = '';
        send();
      });
      socket.once('error', reject);
      socket.once('connect', send);
    });

  const sockets = Array.from({ length: options.connections }, () =>
    connect(options.port, '127.0.0.1').setNoDelay(),
  );
  await Promise.all(sockets.map(run));
  const elapsed = (performance.now() - startedAt) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  return {
    requestsPerSecond: latencies.length / elapsed,
    p50: at(0.5),
    p99: at(0.99),
    refused,
    seconds: elapsed,
  };
}
