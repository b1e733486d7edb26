import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import { TrackbridgeError } from '../../../src/core/errors.js';
import { Link } from '../../../src/core/link/link.js';
import type { Appended, NewDelivery, NewEvent } from '../../../src/outbox/intake.js';
import { MemoryOutbox } from '../../../src/outbox/memory/outbox.js';
import type { Outbox } from '../../../src/outbox/outbox.js';
import { RemoteOutbox } from '../../../src/outbox/remote/client.js';
import { serveOutbox } from '../../../src/outbox/remote/server.js';
import { type Cut, streamPair } from '../../core/link/pairs.js';
import { outboxContract } from '../contract/contract.js';
import { delivery, NOW, named, newEvent, newQuarantined } from '../samples.js';
import { StillClock } from '../still-clock.js';

type Served = Pick<Outbox, 'append' | 'probe' | 'settled'>;

function connect(outbox: Served, cut?: Cut) {
  const [near, far] = streamPair(cut);
  const [left, right] = [new Link(near), new Link(far)];
  const remote = new RemoteOutbox(left, systemClock);
  serveOutbox(right, outbox);
  return { remote, left, right };
}

/** An outbox whose appends, probes and waits pass over a link. */
function overLink(outbox: Outbox): Outbox {
  const { remote } = connect(outbox);
  return new Proxy(outbox, {
    get(target, name) {
      const on = name === 'append' || name === 'probe' || name === 'settled' ? remote : target;
      const value: unknown = Reflect.get(on, name);
      return typeof value === 'function' ? value.bind(on) : value;
    },
  });
}

outboxContract('memory, over a link', {
  keeps: false,
  injectedClock: true,
  exactLimits: true,
  oneConsumer: true,
  newPlace: async () => '',
  create: (_place, options, deps) => overLink(new MemoryOutbox(options, deps)),
});

const silent = { warn: () => undefined, error: () => undefined };

async function memory(): Promise<MemoryOutbox> {
  const deps = { clock: new StillClock(NOW), log: silent };
  const outbox = new MemoryOutbox({ dedupeWindow: 1_000, maxPending: 20 }, deps);
  await outbox.open(named('archive'));
  return outbox;
}

/** What an append came to: its outcomes, or the code of its error. */
async function resultOf(append: Promise<readonly Appended[]>): Promise<unknown> {
  try {
    return await append;
  } catch (error) {
    return error instanceof TrackbridgeError
      ? [error.code, error.message, error.retryAfter]
      : error;
  }
}

/** An outbox over a link whose appends wait for the test. */
function hanging() {
  interface Call {
    readonly signal: AbortSignal | undefined;
    readonly resolve: (appended: readonly Appended[]) => void;
  }
  const calls: Call[] = [];
  const ends = connect({
    append: (_, signal) => new Promise((resolve) => calls.push({ signal, resolve })),
    probe: async () => undefined,
    settled: async () => undefined,
  });
  const until = async (is: () => boolean): Promise<void> => {
    while (!is()) await new Promise((resolve) => setImmediate(resolve));
  };
  return { calls, until, ...ends };
}

const events: fc.Arbitrary<NewEvent> = fc
  .tuple(fc.integer({ min: 0, max: 9 }), fc.boolean(), fc.string({ unit: 'binary' }))
  .map(([id, isGenerated, text]) => {
    const { messageId = '', ...event } = newEvent(`m${id}`, { json: JSON.stringify(text) });
    return isGenerated ? event : { messageId, ...event };
  });

const deliveries: fc.Arbitrary<NewDelivery> = fc.record(
  {
    events: fc.array(events, { maxLength: 4 }),
    quarantined: fc.array(
      fc.constantFrom('invalid', 'unauthenticated').map((reason) => newQuarantined({ reason })),
      { maxLength: 2 },
    ),
    unauthenticatedLimit: fc.integer({ min: 0, max: 5 }),
  },
  { requiredKeys: ['events', 'quarantined'] },
);

describe('an outbox over a link', () => {
  it('gives the same results as without, however the bytes are divided', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(deliveries, { maxLength: 5 }), { maxLength: 5 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 700 })),
        async (turns, sizes) => {
          const [there, here] = [await memory(), await memory()];
          const { remote } = connect(there, (most) => Math.min(most, sizes.next().value ?? most));
          for (const turn of turns) {
            const over = turn.map((each) => resultOf(remote.append(each)));
            const direct = turn.map((each) => resultOf(here.append(each)));
            expect(await Promise.all(over)).toEqual(await Promise.all(direct));
          }
          expect(await there.stats()).toEqual(await here.stats());
        },
      ),
      { numRuns: 60 },
    );
  });

  it('sends no delivery that was withdrawn before its turn', async () => {
    const outbox = await memory();
    const { remote } = connect(outbox);
    const abort = new AbortController();
    const withdrawn = remote.append(delivery([newEvent('gone')]), abort.signal);
    const kept = remote.append(delivery([newEvent('kept')]));
    abort.abort();
    await expect(withdrawn).rejects.toMatchObject({ code: 'BUDGET_SPENT', status: 503 });
    await kept;
    expect((await outbox.stats()).accepted).toBe(1);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  });

  it('withdraws a delivery that waits in the other process', async () => {
    const { calls, remote, until } = hanging();
    const abort = new AbortController();
    const withdrawn = remote.append(delivery([newEvent('a')]), abort.signal);
    await until(() => calls.length === 1);
    abort.abort();
    await expect(withdrawn).rejects.toMatchObject({ code: 'BUDGET_SPENT' });
    await until(() => calls[0]?.signal?.aborted === true);
  });

  it('withdraws no later delivery of the same number', async () => {
    const { calls, remote, until } = hanging();
    const abort = new AbortController();
    const withdrawn = remote.append(delivery([newEvent('a')]), abort.signal);
    await until(() => calls.length === 1);
    abort.abort();
    calls[0]?.resolve([{ outcome: 'duplicate' }]);
    await expect(withdrawn).rejects.toMatchObject({ code: 'BUDGET_SPENT' });
    const later = remote.append(delivery([newEvent('b')]));
    await until(() => calls.length === 2);
    calls[1]?.resolve([{ outcome: 'accepted', id: '7' }]);
    expect(await later).toEqual([{ outcome: 'accepted', id: '7' }]);
    expect(calls[1]?.signal?.aborted).toBe(false);
  });

  it('rejects what is in flight with OUTBOX_UNAVAILABLE when the link is lost, and withdraws it', async () => {
    const { calls, left, remote, right, until } = hanging();
    const inFlight = remote.append(delivery([newEvent('a')]));
    await until(() => calls.length === 1);
    const ended = left.end();
    await expect(inFlight).rejects.toMatchObject({ code: 'OUTBOX_UNAVAILABLE', status: 503 });
    await ended;
    await right.lost;
    expect(calls[0]?.signal?.aborted).toBe(true);
    await expect(remote.append(delivery([]))).rejects.toMatchObject({ code: 'OUTBOX_UNAVAILABLE' });
    await expect(remote.probe()).rejects.toMatchObject({ code: 'OUTBOX_UNAVAILABLE' });
    await remote.settled(['1'], new AbortController().signal);
  });
});
