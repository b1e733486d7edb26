import { describe, expect, it, vi } from 'vitest';
import type { SourceConfig } from '../../src/config/config.js';
import { TrackbridgeError } from '../../src/core/errors.js';
import { Admission } from '../../src/ingest/admission.js';
import { createIngest } from '../../src/ingest/ingest.js';
import { RateLimits } from '../../src/ingest/rate-limits.js';
import type { AcceptedDelivery } from '../../src/sources/source.js';
import { contextOf, errorOf, type RequestParts } from '../http/requests.js';
import { type Harness, harness, openSource } from './harness.js';

const track = (messageId = 'm-1'): string =>
  JSON.stringify({ type: 'track', event: 'A', messageId });

interface Ingesting extends Harness {
  run(parts?: RequestParts): Promise<AcceptedDelivery>;
  fail(parts?: RequestParts): Promise<unknown>;
  counted: ReturnType<typeof vi.fn>;
}

function ingesting(
  config: Partial<SourceConfig> = {},
  h: Harness = harness(),
  startedAt = h.clock.monotonic(),
): Ingesting {
  const counted = vi.fn();
  h.deps.observations.appended.subscribe(({ counts }) => counted(counts));
  const source = openSource(config);
  const limits = new RateLimits([source], { clock: h.clock });
  const takeRate = limits.take.bind(limits);
  const ingest = createIngest(source, { ...h.deps, takeRate });
  const run = async (parts: RequestParts = { body: track() }): Promise<AcceptedDelivery> => {
    const taken = await ingest(
      contextOf(parts),
      { id: 'the-request-id', source: 'open' },
      startedAt,
    );
    if ('status' in taken) throw new Error('answered without an event');
    return taken;
  };
  return { ...h, run, fail: (parts) => errorOf(() => run(parts)), counted };
}

const budgetOf = (budget: number): Harness => {
  const h = harness();
  return { ...h, deps: { ...h.deps, server: { ...h.deps.server, budget } } };
};
const untilAborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));

describe('a delivery', () => {
  it('is counted event by event, as the outbox says', async () => {
    const { run, store, counted } = ingesting();
    store.outcomes = () => [{ outcome: 'accepted', id: '1' }, { outcome: 'duplicate' }];
    const body = `[${track()},${track()},{"type":"nonsense"}]`;
    expect(await run({ body })).toMatchObject({ accepted: 1, duplicates: 1, quarantined: 1 });
    expect(counted).toHaveBeenCalledWith(
      expect.objectContaining({ accepted: 1, duplicates: 1, quarantined: 1, looped: 0 }),
    );
    expect(store.events[0]).toMatchObject({ receipt: { deliveryId: 'the-request-id' } });
  });

  it('with nothing in it does not trouble the outbox', async () => {
    const { run, store } = ingesting();
    expect(await run({ body: '[]' })).toMatchObject({ accepted: 0, duplicates: 0, quarantined: 0 });
    expect(store.deliveries).toEqual([]);
  });

  it('by HEAD is looked at and neither recorded nor counted', async () => {
    const { run, fail, store, counted } = ingesting({ type: 'rudderstack' });
    const head = { method: 'HEAD', url: '/in/track/A', body: '' };
    expect(await run(head)).toMatchObject({ accepted: 0, duplicates: 0, quarantined: 0 });
    expect(await fail({ ...head, url: '/in?a=%zz' })).toMatchObject({ status: 400 });
    expect(store.deliveries).toEqual([]);
    expect(counted).not.toHaveBeenCalled();
  });

  it('of one invalid event is refused once that event is kept', async () => {
    const { fail, store } = ingesting();
    expect(await fail({ body: '{"type":"track","event":[7]}' })).toMatchObject({
      code: 'EVENT_INVALID',
      errors: [{ path: '/event' }],
    });
    expect(store.quarantined).toHaveLength(1);
    // Kept first: where it cannot be kept, the sender has to come again.
    store.onAppend = async () => {
      throw new TrackbridgeError('OUTBOX_FULL', 'full');
    };
    expect(await fail({ body: '{"type":"track","event":[7]}' })).toMatchObject({ status: 503 });
  });
});

describe('a delivery that nothing authenticates', () => {
  const verify = [
    { scheme: 'shared-secret', header: 'x-signature', secrets: ['a-secret-of-the-test'] },
  ] as const;

  it('is refused before it is decoded', async () => {
    const { fail, store } = ingesting({ verify });
    expect(await fail({ body: 'not even JSON' })).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(store.deliveries).toEqual([]);
  });

  it('is kept in quarantine where the source says so', async () => {
    const { run, store } = ingesting({ verify, onUnauthenticated: 'quarantine' });
    expect(await run()).toMatchObject({ accepted: 0, duplicates: 0, quarantined: 1 });
    expect(store.quarantined[0]).toMatchObject({ reason: 'unauthenticated' });
  });
});

describe('a large delivery', () => {
  const SECRET = 'a-secret-of-this-test';
  const BY_HEADER = {
    verify: [{ scheme: 'shared-secret', header: 'x-signature', secrets: [SECRET] }],
  } as const;
  const LARGEST = 90_000;

  it.each([
    ['whose length says so', { 'content-length': String(LARGEST) }],
    ['of unknown length', { 'transfer-encoding': 'chunked' }],
    ['that is compressed', { 'content-length': '64', 'content-encoding': 'br' }],
  ])(
    '%s is refused before its body is read where the head shows a stranger',
    async (_, framing) => {
      const { fail } = ingesting(BY_HEADER);
      // The body never comes.
      const headers = { ...framing, 'x-signature': 'no secret of anybody' };
      expect(await fail({ headers })).toMatchObject({ code: 'UNAUTHENTICATED' });
    },
  );

  it('is verified in its turn, and a small one at once', async () => {
    const h = harness();
    const { run } = ingesting({}, h);
    const end = await h.deps.turns.take(new AbortController().signal);
    const large = run({ body: JSON.stringify({ type: 'track', text: 'x'.repeat(LARGEST) }) });
    expect(await run()).toMatchObject({ accepted: 1 });
    expect(h.store.deliveries).toHaveLength(1);
    end();
    expect(await large).toMatchObject({ accepted: 1 });
  });

  it('that waits for keys does not keep the next from its turn', async () => {
    const source = openSource();
    const pending = vi.fn(() => new Promise<never>(() => undefined));
    const h = harness();
    const ingest = createIngest({ ...source, verify: pending }, h.deps);
    const body = JSON.stringify({ type: 'track', text: 'x'.repeat(LARGEST) });
    void ingest(contextOf({ body }), { id: 'waits', source: 'open' }, h.clock.monotonic());
    await vi.waitFor(() => expect(pending).toHaveBeenCalled());
    expect(await ingesting({}, h).run({ body })).toMatchObject({ accepted: 1 });
  });
});

describe('a fault of ours', () => {
  it.each(['OUTBOX_FULL', 'OUTBOX_UNAVAILABLE', 'OUTBOX_CORRUPT'] as const)(
    'is a 503: %s',
    async (code) => {
      const { fail, store, counted } = ingesting();
      store.onAppend = async () => {
        throw new TrackbridgeError(code, 'it does not work', { retryAfter: 5000 });
      };
      expect(await fail()).toMatchObject({ code, status: 503, retryAfter: 5000 });
      expect(counted).not.toHaveBeenCalled();
    },
  );

  it('is a 503 while the process drains, before anything is read', async () => {
    const { fail, state, store } = ingesting();
    state.draining = true;
    expect(await fail()).toMatchObject({ code: 'DRAINING', status: 503, retryAfter: 2000 });
    expect(store.deliveries).toEqual([]);
  });
});

describe('a delivery that is too many', () => {
  const full = (): Harness => {
    const h = harness();
    const admission = new Admission({
      ...h.deps,
      server: { ...h.deps.server, maxConcurrent: 1 },
      loopDelay: () => 0,
      random: () => 0,
    });
    return { ...h, deps: { ...h.deps, admission } };
  };

  it('is refused before its body is read, until the one before is answered', async () => {
    const { run, fail, store } = ingesting({}, full());
    const stay = (): void => undefined;
    let go = stay;
    store.onAppend = () =>
      new Promise((resolve) => {
        go = resolve;
      });
    const first = run();
    const body = 'not even JSON';
    expect(await fail({ body })).toMatchObject({ code: 'OVERLOADED', status: 503 });
    await vi.waitUntil(() => go !== stay);
    go();
    await first;
    store.onAppend = async () => undefined;
    expect(await run({ body: track('m-2') })).toMatchObject({ accepted: 1 });
  });

  it.each([
    { body: 'broken' },
    { body: '{"type":"nonsense"}' },
    { headers: { 'content-encoding': 'zstd', 'content-length': '9' } },
  ])('is none because of one that was refused: %j', async (parts) => {
    const { run, fail } = ingesting({}, full());
    await fail(parts);
    await run();
  });
});

describe('the budget', () => {
  it('is handed to the outbox, whose answer it cuts short', async () => {
    const { fail, store } = ingesting({}, budgetOf(1));
    store.onAppend = async (signal) => {
      await untilAborted(signal);
      throw new TrackbridgeError('BUDGET_SPENT', 'the write took too long', { retryAfter: 1000 });
    };
    expect(await fail()).toMatchObject({ code: 'BUDGET_SPENT', status: 503 });
  });

  // A body is promised that does not come.
  const late = { headers: { 'content-length': '1000' } };

  it('that is spent on reading leaves none for the outbox', async () => {
    const { deps, ...rest } = budgetOf(1);
    const apply = vi.fn();
    const h = { ...rest, deps: { ...deps, checks: [{ name: 'watched', apply }] } };
    const { fail, store } = ingesting({ type: 'rudderstack' }, h);
    expect(await fail(late)).toMatchObject({ code: 'BODY_TIMEOUT', status: 408 });
    expect(apply).not.toHaveBeenCalled();
    expect(store.deliveries).toEqual([]);
  });

  it('counts from the first byte of the head', async () => {
    // More than this test may take: only what is spent already can end it.
    const h = budgetOf(60_000);
    const started = -60_000;
    expect(await ingesting({}, h, started).fail(late)).toMatchObject({
      code: 'BUDGET_SPENT',
      status: 503,
    });
  });
});

describe('the rate limit', () => {
  it('refuses what is over it, saying when to come again, and lets it pass then', async () => {
    const { clock, run, fail, store } = ingesting({ rateLimit: { perSecond: 0.5, burst: 1 } });
    await run();
    expect(await fail()).toMatchObject({ code: 'RATE_LIMITED', status: 429, retryAfter: 2000 });
    expect(store.deliveries).toHaveLength(1);
    await clock.advance(2000);
    await run();
  });
});

describe('what outsiders send', () => {
  it('does not use up the rate of those who can authenticate', async () => {
    const verify = [
      { scheme: 'shared-secret', header: 'x-signature', secrets: ['a-secret-of-the-test'] },
    ] as const;
    const rateLimit = { perSecond: 0.01, burst: 1 };
    const { run, fail, store } = ingesting({ verify, rateLimit });
    for (let at = 0; at < 5; at++) {
      expect(await fail({ body: track() })).toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    const headers = { 'x-signature': 'a-secret-of-the-test' };
    await run({ body: track(), headers });
    expect(store.deliveries).toHaveLength(1);
    expect(await fail({ body: track(), headers })).toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('has a rate of its own where it is kept in quarantine', async () => {
    const verify = [
      { scheme: 'shared-secret', header: 'x-signature', secrets: ['a-secret-of-the-test'] },
    ] as const;
    const rateLimit = { perSecond: 0.01, burst: 1 };
    const { run, fail } = ingesting({ verify, rateLimit, onUnauthenticated: 'quarantine' });
    expect(await run()).toMatchObject({ quarantined: 1 });
    expect(await fail()).toMatchObject({ code: 'RATE_LIMITED', status: 429 });
    const headers = { 'x-signature': 'a-secret-of-the-test' };
    expect(await run({ body: track(), headers })).toMatchObject({ accepted: 1 });
    expect(await fail({ body: track(), headers })).toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('goes to the outbox with the limit on it, and is one line in the log at the limit', async () => {
    const verify = [
      { scheme: 'shared-secret', header: 'x-signature', secrets: ['a-secret-of-the-test'] },
    ] as const;
    const { run, fail, store, lines } = ingesting({
      verify,
      onUnauthenticated: 'quarantine',
      unauthenticatedLimit: 7,
    });
    await run();
    expect(store.deliveries[0]).toMatchObject({ unauthenticatedLimit: 7 });
    store.onAppend = async () => {
      throw new TrackbridgeError('QUARANTINE_FULL', 'full', { retryAfter: 30_000 });
    };
    for (let at = 0; at < 3; at++) {
      expect(await fail()).toMatchObject({ status: 503, retryAfter: 30_000 });
    }
    const said = lines().filter(({ code }) => code === 'QUARANTINE_FULL');
    expect(said).toMatchObject([{ level: 'warn', source: 'open' }]);
  });

  it('of a batch keeps the other events from nothing at that limit', async () => {
    const writeKeys = [{ key: 'a-listed-write-key' }];
    const tracking = { type: 'tracking-api', path: '/', verify: [], writeKeys } as const;
    const { run, store } = ingesting({ ...tracking, onUnauthenticated: 'quarantine' });
    store.onDelivery = ({ quarantined }) => {
      const full = quarantined.some(({ reason }) => reason === 'unauthenticated');
      if (full) throw new TrackbridgeError('QUARANTINE_FULL', 'full', { retryAfter: 30_000 });
    };
    const event = (writeKey: string, more: object = {}) => ({
      ...{ type: 'track', event: 'A', userId: 'u', writeKey },
      ...more,
    });
    const batch = [
      event('a-listed-write-key'),
      event('another'),
      event('a-listed-write-key', { properties: 'wrong' }),
    ];
    const parts = { method: 'POST', url: '/v1/batch', body: JSON.stringify({ batch }) };
    expect(await run(parts)).toMatchObject({
      ...{ accepted: 1, quarantined: 1, unauthenticated: 1 },
    });
    expect(store.deliveries).toHaveLength(1);
  });
});

describe('work on a delivery that never ends', () => {
  const never = () => new Promise<never>(() => undefined);

  it.each(['verify', 'decode'] as const)('is given up within the budget: %s', async (step) => {
    const h = budgetOf(20);
    const source = { ...openSource(), [step]: never };
    const ingest = createIngest(source, h.deps);
    const run = () =>
      ingest(contextOf({ body: track() }), { id: 'the-id', source: 'open' }, h.clock.monotonic());
    expect(await errorOf(run)).toMatchObject({
      code: 'BUDGET_SPENT',
      status: 503,
      retryAfter: 1000,
    });
    expect(h.store.deliveries).toEqual([]);
  });
});

describe('a source that acknowledges what is delivered', () => {
  const delivered = (settled: (ids: readonly string[]) => Promise<void>): Ingesting => {
    const h = harness();
    h.store.settled = settled;
    return ingesting({ ack: 'delivered' }, h);
  };

  it('answers when the sinks have settled what was accepted', async () => {
    let settle = (): void => undefined;
    const settled = vi.fn(
      () =>
        new Promise<void>((resolve) => {
          settle = resolve;
        }),
    );
    const { run, store } = delivered(settled);
    store.outcomes = () => [{ outcome: 'accepted', id: 'id-1' }, { outcome: 'duplicate' }];
    let answered = false;
    const taken = run({ body: `[${track()},${track()}]` }).finally(() => {
      answered = true;
    });
    await vi.waitFor(() => expect(settled).toHaveBeenCalled());
    expect(settled.mock.calls[0]).toEqual([['id-1'], expect.any(AbortSignal)]);
    expect(answered).toBe(false);
    settle();
    expect(await taken).toMatchObject({ accepted: 1, duplicates: 1, quarantined: 0 });
  });

  it('does not wait where nothing was accepted', async () => {
    const settled = vi.fn(async () => undefined);
    const { run, store } = delivered(settled);
    store.outcomes = () => [{ outcome: 'duplicate' }];
    await run();
    expect(settled).not.toHaveBeenCalled();
  });

  it('does not wait where the answer is queued', async () => {
    const settled = vi.fn(async () => undefined);
    const h = harness();
    h.store.settled = settled;
    await ingesting({}, h).run();
    expect(settled).not.toHaveBeenCalled();
  });
});

describe('a method', () => {
  it('that the source does not take is a 405 with those it takes', async () => {
    expect(await ingesting().fail({ method: 'GET' })).toMatchObject({
      code: 'METHOD_NOT_ALLOWED',
      headers: { allow: 'POST, PUT, PATCH' },
    });
    const cors = { origins: ['*'] };
    expect(await ingesting({ cors }).fail({ method: 'DELETE' })).toMatchObject({
      headers: { allow: 'POST, PUT, PATCH, OPTIONS' },
    });
  });
});

describe('header lines', () => {
  it('so many that Node drops some are refused, since a signature or the length may be among them', async () => {
    const { run, fail } = ingesting();
    const lines = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, 'a']));
    expect(await fail({ body: track(), headers: lines(1000) })).toMatchObject({
      code: 'HEAD_TOO_LARGE',
      status: 431,
    });
    expect(await run({ body: track(), headers: lines(999) })).toMatchObject({ accepted: 1 });
  });
});

describe('a body that says it is over the limit', () => {
  it('is refused for good also where the receiver is overloaded: it would come again without end', async () => {
    const h = harness();
    const admission = {
      ...h.deps.admission,
      enter: () => {
        throw new TrackbridgeError('OVERLOADED', 'come again');
      },
    };
    const { fail } = ingesting({}, { ...h, deps: { ...h.deps, admission } as typeof h.deps });
    const tooLong = String(h.deps.server.bodyLimit + 1);
    const answer = await fail({ headers: { 'content-length': tooLong } });
    expect(answer).toMatchObject({ code: 'BODY_TOO_LARGE', status: 413 });
    expect(await fail({ body: track() })).toMatchObject({ code: 'OVERLOADED' });
  });
});
