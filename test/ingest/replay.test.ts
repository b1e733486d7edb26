import { describe, expect, it } from 'vitest';
import type { SourceConfig } from '../../src/config/config.js';
import type { JsonObject } from '../../src/core/json.js';
import { checkReplayed } from '../../src/ingest/replay.js';
import type { Quarantined } from '../../src/outbox/entries.js';
import type { NewQuarantined } from '../../src/outbox/intake.js';
import type { Source } from '../../src/sources/source.js';
import { openSource } from './harness.js';
import { type Served, serve } from './serve.js';

const KEYS = [{ key: 'a-public-write-key' }];

interface Kept extends Served {
  readonly source: Source;
  /** Replays an entry under another configuration of its source. */
  replay(entry: NewQuarantined | undefined, changes?: Partial<SourceConfig>): JsonObject;
}

async function serving(config: Partial<SourceConfig>): Promise<Kept> {
  const source = openSource({ path: '/in', ...config });
  const served = await serve([source]);
  const replay = (entry: NewQuarantined | undefined, changes: Partial<SourceConfig> = {}) => {
    const kept = { ...entry, id: '1' } as Quarantined;
    const { json } = checkReplayed(
      openSource({ path: '/in', ...config, ...changes }),
      kept,
      served.deps.checks,
    );
    return JSON.parse(json) as JsonObject;
  };
  return { ...served, source, replay };
}

const trackingApi = (changes: Partial<SourceConfig> = {}): Promise<Kept> =>
  serving({ type: 'tracking-api', path: '/', verify: [], writeKeys: KEYS, ...changes });

const post = (served: Served, path: string, body: unknown): Promise<Response> =>
  served.ask(path, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa('a-public-write-key:')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });

describe('a replayed event', () => {
  const merge = { type: 'merge', messageId: 'm-1' };

  it('becomes the event it would have been under the configuration of now', async () => {
    const kept = await serving({});
    await kept.ask('/in', { method: 'POST', body: JSON.stringify(merge) });
    const [entry] = kept.store.quarantined;
    expect(() => kept.replay(entry)).toThrow('the event is still not valid: /type must be one of');
    expect(kept.replay(entry, { extraTypes: ['merge'] })).toMatchObject({
      messageId: 'm-1',
      receipt: {
        deliveryId: entry?.deliveryId,
        receivedAt: new Date(Number(entry?.receivedAt)).toISOString(),
        dedupeKey: 'open:m-1:unauthenticated',
      },
    });
  });

  it.each(['segment', 'rudderstack'] as const)(
    'is refused as a deletion that came with a public write key: dialect %s',
    async (dialect) => {
      const kept = await trackingApi({ dialect });
      await post(kept, '/v1/batch', { batch: [{ type: 'Delete', userId: 'somebody' }] });
      const [entry] = kept.store.quarantined;
      expect(() => kept.replay(entry)).toThrow('/type must not be delete');
      expect(kept.replay(entry, { extraTypes: ['delete'] })).toMatchObject({ type: 'delete' });
    },
  );

  it('is refused as larger than Segment accepts', async () => {
    const kept = await trackingApi();
    const properties = { filler: 'x'.repeat(33_000) };
    const large = { type: 'track', userId: 'u', event: 'A', properties };
    await post(kept, '/v1/batch', { batch: [large] });
    expect(() => kept.replay(kept.store.quarantined[0])).toThrow("Segment's limit is 32768");
  });

  it('that stood too far behind in its batch comes alone now', async () => {
    const kept = await trackingApi();
    const batch = Array.from({ length: 2_501 }, () => ({ type: 'page', userId: 'u' }));
    await post(kept, '/v1/batch', { batch });
    expect(kept.store.quarantined).toHaveLength(1);
    expect(kept.replay(kept.store.quarantined[0])).toMatchObject({ type: 'page' });
  });

  it('needs what `strict` needs', async () => {
    const kept = await trackingApi({ strict: true });
    await post(kept, '/v1/batch', { batch: [{ type: 'track', userId: 'u' }] });
    const [entry] = kept.store.quarantined;
    expect(() => kept.replay(entry)).toThrow('/event is missing');
    expect(kept.replay(entry, { strict: false })).toMatchObject({ type: 'track' });
  });

  it('needs of a pixel what RudderStack needs of it', async () => {
    const kept = await trackingApi({ dialect: 'rudderstack' });
    await kept.ask('/pixel/v1/track?writeKey=a-public-write-key&userId=u');
    expect(() => kept.replay(kept.store.quarantined[0])).toThrow('/event is missing');
  });

  it('is refused where this receiver has sent it on itself', async () => {
    const kept = await serving({});
    const context = { trackbridge: { hops: ['this-bridge'] } };
    const body = JSON.stringify({ ...merge, context });
    await kept.ask('/in', { method: 'POST', body });
    const [entry] = kept.store.quarantined;
    expect(() => kept.replay(entry, { extraTypes: ['merge'] })).toThrow('would be a loop');
  });

  it('stays unauthenticated where its delivery was', async () => {
    const secrets = ['the-shared-secret-of-segment'];
    const verify = [{ scheme: 'shared-secret' as const, header: 'x-signature', secrets }];
    const kept = await serving({ verify, onUnauthenticated: 'quarantine' });
    const body = JSON.stringify({ type: 'track', event: 'A', messageId: 'm-1' });
    expect((await kept.ask('/in', { method: 'POST', body })).status).toBe(200);
    expect(kept.replay(kept.store.quarantined[0])).toMatchObject({
      receipt: { authenticated: false, verifiedBy: 'none' },
    });
  });

  it('stays unauthenticated where its own write key was not listed in a batch with one that was', async () => {
    const kept = await trackingApi({ onUnauthenticated: 'quarantine' });
    const event = { type: 'track', userId: 'u', event: 'A' };
    const batch = [
      { ...event, writeKey: 'a-public-write-key' },
      { ...event, writeKey: 'another-key' },
    ];
    const init = { method: 'POST', body: JSON.stringify({ batch }) };
    expect((await kept.ask('/v1/batch', init)).status).toBe(200);
    const [entry] = kept.store.quarantined;
    expect(entry).toMatchObject({ reason: 'unauthenticated' });
    expect(kept.replay(entry)).toMatchObject({ receipt: { authenticated: false } });
    // As version 0.1.0 wrote such entries.
    const facts = { ...JSON.parse(String(entry?.delivery)), authenticated: true };
    const older = { ...entry, delivery: JSON.stringify(facts) } as NewQuarantined;
    expect(kept.replay(older)).toMatchObject({ receipt: { authenticated: false } });
  });
});

describe('with require: spec an event', () => {
  const cases: [string, string][] = [
    ['track', 'event'],
    ['group', 'groupId'],
    ['alias', 'previousId'],
  ];

  it.each(cases)('of type %s needs %s, also when it is replayed', async (type, field) => {
    const kept = await serving({ require: 'spec' });
    const bodies = [{ type }, { type, [field]: ' ' }, { type, [field]: 'a', userId: 'u' }];
    const answer = await kept.ask('/in', { method: 'POST', body: JSON.stringify(bodies) });
    expect(await answer.json()).toMatchObject({ accepted: 1, quarantined: 2 });
    const [entry] = kept.store.quarantined;
    expect(entry).toMatchObject({ reason: 'invalid', errors: [{ path: `/${field}` }] });
    expect(() => kept.replay(entry)).toThrow(`/${field} is missing`);
    expect(kept.replay(entry, { require: 'nothing' })).toMatchObject({ type });
  });

  it('of another type needs nothing more', async () => {
    const kept = await serving({ require: 'spec' });
    const body = JSON.stringify([{ type: 'page' }, { type: 'identify' }]);
    const answer = await kept.ask('/in', { method: 'POST', body });
    expect(await answer.json()).toMatchObject({ accepted: 2, quarantined: 0 });
  });
});
