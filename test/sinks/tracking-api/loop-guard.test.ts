import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRudderstackSink } from '../../../src/sinks/tracking-api/rudderstack.js';
import { createSegmentSink } from '../../../src/sinks/tracking-api/segment.js';
import { sinkContext, sinkEvent } from '../events.js';
import { never, using, type VendorServer, vendorServer, WRITE_KEY } from './setup.js';

describe.each(['segment', 'rudderstack'] as const)('loopGuard of %s', (vendor) => {
  let server: VendorServer;
  beforeEach(async () => {
    server = await vendorServer(vendor);
  });
  afterEach(() => server.target.close());

  const open = async (loopGuard: boolean) => {
    const options = { writeKey: WRITE_KEY, endpoint: server.url, gzip: false, loopGuard };
    return vendor === 'segment'
      ? await createSegmentSink(options, sinkContext())
      : createRudderstackSink(options, sinkContext());
  };
  const tired = sinkEvent('a', {
    context: { a: 1, trackbridge: { hops: Array.from({ length: 16 }, (_, at) => `b-${at}`) } },
  });

  it('on marks events and refuses those that go in a circle', async () => {
    const [passed, refused] = await using(await open(true), (sink) =>
      sink.deliver([sinkEvent('b', { context: { a: 1 } }), tired], never()),
    );
    expect([passed?.ok, refused?.ok]).toEqual([true, false]);
    expect(server.kept.map(({ context }) => context)).toEqual([
      { a: 1, trackbridge: { hops: ['this-bridge'] } },
    ]);
  });

  it('off sends every context as it is', async () => {
    const fresh = sinkEvent('b', { context: { a: 1 } });
    const results = await using(await open(false), (sink) => sink.deliver([fresh, tired], never()));
    expect(results.map(({ ok }) => ok)).toEqual([true, true]);
    expect(server.kept.map(({ context }) => context)).toEqual([{ a: 1 }, tired.event.context]);
  });
});
