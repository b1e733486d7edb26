import { createHmac } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Source } from '../../src/sources/source.js';
import { harness, openSource } from './harness.js';
import { type Served, serve } from './serve.js';

const SECRET = 'a-secret-of-the-segment';
const SIGNED = {
  scheme: 'segment-signature',
  header: 'x-signature',
  secrets: [SECRET],
  batch: 'first-element',
} as const;

const sources = (): readonly Source[] => [
  openSource({ path: '/signed', verify: [SIGNED] }, 'signed'),
  openSource({ path: '/kept', verify: [SIGNED], onUnauthenticated: 'quarantine' }, 'kept'),
  openSource({ path: '/rs', type: 'rudderstack' }, 'rs'),
];

/** The same source whose steps all answer later, as those of a scheme do that fetches its keys. */
function patient(source: Source): Source {
  return {
    ...source,
    verify: async (delivery, signal) => source.verify(delivery, signal),
    decode: async (delivery) => source.decode(delivery),
    respond: async () => undefined,
  };
}

/** A receiver that observes everything, waits in every step and whose store answers late. */
async function slowest(): Promise<Served> {
  const h = harness();
  const { began, read, verified, judged, appended, answered } = h.deps.observations;
  for (const channel of [began, read, verified, judged, appended, answered]) {
    channel.subscribe(() => undefined);
  }
  h.store.onAppend = () => new Promise((resolve) => setImmediate(resolve));
  return await serve(sources().map(patient), h);
}

const event = fc.record(
  {
    type: fc.constantFrom('track', 'identify', 'page', 'TRACK', 'unknown', 7),
    messageId: fc.constantFrom('m-1', 'm-2', '', 9),
    userId: fc.constantFrom('ann', 'bob', ''),
    event: fc.constantFrom('Order Completed', { not: 'a name' }),
    timestamp: fc.constantFrom('2026-01-02T03:04:05.678Z', 'yesterday'),
    properties: fc.constantFrom({ note: 'ü' }, { note: 'x'.repeat(70_000) }, []),
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  event.map((value) => JSON.stringify(value)),
  fc.array(event, { maxLength: 4 }).map((events) => JSON.stringify(events)),
  fc.constantFrom('', '{', '[]', 'null', 'type=track&event=x', '<a/>'),
);
const delivery = fc.record({
  path: fc.constantFrom('/signed', '/kept', '/rs', '/rs/track/Name', '/elsewhere'),
  method: fc.constantFrom('POST', 'POST', 'PUT', 'GET', 'HEAD', 'OPTIONS'),
  query: fc.constantFrom('', '?a.b=1&a.c%5B0%5D=2', '?%FF'),
  coding: fc.constantFrom('', '', 'gzip', 'deflate', 'zstd'),
  signature: fc.constantFrom('right', 'right', 'wrong', 'none'),
  body,
});
type Sent = typeof delivery extends fc.Arbitrary<infer T> ? T : never;

/** Segment signs the body, or the first element of a batch. */
function signatureOf({ body: text, signature }: Sent): Record<string, string> {
  if (signature === 'none') return {};
  const signed = signature === 'right' ? text : 'other';
  return { 'x-signature': createHmac('sha1', SECRET).update(signed).digest('hex') };
}

const COMPRESS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: gzipSync,
  deflate: deflateSync,
};

async function answerOf({ ask }: Served, sent: Sent) {
  const { body: text, coding, method, path, query } = sent;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const compress = COMPRESS[coding] ?? Buffer.from;
  const response = await ask(`${path}${query}`, {
    method,
    headers: { ...signatureOf(sent), ...(coding === '' ? {} : { 'content-encoding': coding }) },
    ...(hasBody ? { body: compress(Buffer.from(text)) } : {}),
  });
  return {
    status: response.status,
    headers: [...response.headers].filter(([name]) => name !== 'date'),
    body: await response.text(),
  };
}

it('a delivery is answered and stored alike, whether its steps answer at once or later, observed or not', async () => {
  const common = await serve(sources());
  const slow = await slowest();
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(delivery, async (sent) => {
      // Deadlines end by real timers. Requests of the same moment would share the first one's.
      await Promise.all([common.clock.advance(20), slow.clock.advance(20)]);
      const [answer, late] = [await answerOf(common, sent), await answerOf(slow, sent)];
      statuses.add(answer.status);
      expect(late).toEqual(answer);
      expect(slow.store.deliveries).toEqual(common.store.deliveries);
      common.store.deliveries.length = 0;
      slow.store.deliveries.length = 0;
    }),
    { numRuns: 400 },
  );
  // What is compared is not only one kind of answer.
  for (const status of [200, 400, 401, 404, 405, 422]) expect([...statuses]).toContain(status);
});
