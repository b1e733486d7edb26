import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CanonicalEvent } from '../../../src/event/event.js';
import { SinkError } from '../../../src/sinks/sink.js';
import {
  createTrackingApiSink,
  type Transport,
  type VendorApi,
} from '../../../src/sinks/tracking-api/sink.js';
import { anEvent } from '../../dispatch/fakes.js';
import { withSink } from '../../dispatch/harness.js';
import { sinkContext } from '../events.js';

/** What becomes of an event at this vendor. */
type Kind = 'good' | 'poison' | 'large' | 'unfit' | 'separate';

const LIMITS = { bytes: 2_000, events: 7, event: { bytes: 900, text: '900 B an event' } };
const kindOf = (event: CanonicalEvent): Kind => event['kind'] as Kind;

/** A vendor of small limits that refuses what is over them, any batch with poison, and now and then everything. */
function vendor(moods: Iterator<boolean>) {
  const arrived: string[] = [];
  const busy = (): void => {
    if (moods.next().value === true) throw new SinkError('busy', { retryable: true });
  };
  const api: VendorApi = {
    name: 'Vendor',
    missing: (event) => (kindOf(event) === 'unfit' ? 'unfit for the vendor' : undefined),
    message: ({ kind, messageId, size }) => {
      return { kind: kind ?? null, messageId, text: 'é'.repeat(Number(size)) };
    },
    limits: LIMITS,
    envelope: { writeKey: 'wk' },
    separately(event) {
      if (kindOf(event) !== 'separate') return undefined;
      return async () => {
        busy();
        arrived.push(event.messageId);
      };
    },
  };
  const transport: Transport = {
    open() {},
    async check() {},
    async close() {},
    async send(body) {
      const { batch } = JSON.parse(String(body)) as { batch: CanonicalEvent[] };
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(LIMITS.bytes);
      expect(batch.length).toBeLessThanOrEqual(LIMITS.events);
      busy();
      if (batch.some((event) => kindOf(event) === 'poison')) {
        throw new SinkError('bad request', { retryable: false });
      }
      arrived.push(...batch.map(({ messageId }) => messageId));
    },
  };
  return {
    arrived,
    sink: createTrackingApiSink(api, transport, { gzip: false, loopGuard: true }, sinkContext()),
  };
}

const event = fc.record({
  kind: fc.constantFrom<Kind>('good', 'good', 'good', 'poison', 'large', 'unfit', 'separate'),
  size: fc.integer({ min: 0, max: 350 }),
});

describe('a sink for a vendor’s tracking API, under the dispatcher', () => {
  it('brings every good event there once, in order, and makes exactly the others dead letters', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 3 }).map((mood) => mood === 0)),
        async (events, size, moods) => {
          const { arrived, sink } = vendor(moods);
          const { clock, consumer, dispatcher, outbox } = withSink(sink, {
            config: { batch: { size, wait: 0 }, lanes: 1 },
          });
          const ids = events.map(({ kind, size: length }, index) =>
            outbox.add(anEvent(`${index}`, { kind, size: kind === 'large' ? 500 : length })),
          );
          dispatcher.start();
          await clock.until(() => consumer().pending.length === 0);
          const arrives = (at: number) => ['good', 'separate'].includes(String(events[at]?.kind));
          expect(arrived).toEqual(ids.filter((_, at) => arrives(at)));
          const dead = [...consumer().dead.keys()].sort((a, b) => Number(a) - Number(b));
          expect(dead).toEqual(ids.filter((_, at) => !arrives(at)));
        },
      ),
      { numRuns: 200 },
    );
  });
});
