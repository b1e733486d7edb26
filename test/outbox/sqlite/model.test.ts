import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Attempt, Consumer, Settlement } from '../../../src/outbox/feed.js';
import { orderHash } from '../../../src/outbox/order-hash.js';
import type { Outbox } from '../../../src/outbox/outbox.js';
import { checkStore } from '../../../src/outbox/sqlite/health/check.js';
import type { StoreTuning } from '../../../src/outbox/sqlite/store/store.js';
import { crashed, inProcess } from '../in-process.js';
import { delivery, NOW, named, newEvent, settle } from '../samples.js';
import { StillClock } from '../still-clock.js';
import { temporaryPlaces } from '../temporary-places.js';

const SINKS = ['archive', 'orders'] as const;
type SinkName = (typeof SINKS)[number];

type Operation =
  | { readonly do: 'append'; readonly ids: readonly number[] }
  | { readonly do: 'claim'; readonly sink: SinkName; readonly lane: number; readonly max: number }
  | {
      readonly do: 'settle';
      readonly sink: SinkName;
      readonly picks: readonly number[];
      readonly outcome: 'done' | 'retry' | 'dead';
    }
  | { readonly do: 'replay'; readonly pick: number }
  | { readonly do: 'reconsume'; readonly sink: SinkName; readonly lanes: number }
  | { readonly do: 'crash' };

const sink = fc.constantFrom(...SINKS);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('append'),
      ids: fc.array(fc.nat(200), { maxLength: 8 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('claim'),
      sink,
      lane: fc.nat(3),
      max: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('settle'),
      sink,
      picks: fc.array(fc.nat(30), { maxLength: 6 }),
      outcome: fc.constantFrom('done', 'done', 'retry', 'dead'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replay'), pick: fc.nat(9) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('reconsume'),
      sink,
      lanes: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash') }) },
) as fc.Arbitrary<Operation>;

interface ModelEvent {
  readonly json: string;
  readonly orderKey: string;
  /** The order of arrival at this sink. */
  readonly order: number;
  attempts: Attempt[];
  claimed: string | undefined;
}

/** What a sink should see, as simply as it can be said. */
class ModelSink {
  open: ModelEvent[] = [];
  delivered = 0;
  dead: ModelEvent[] = [];
  lanes = 2;

  /** What a lane can still be given, oldest first. */
  unclaimed(lane: number): ModelEvent[] {
    return this.open.filter(
      (event) => event.claimed === undefined && orderHash(event.orderKey) % this.lanes === lane,
    );
  }

  claimed(): ModelEvent[] {
    return this.open.filter((event) => event.claimed !== undefined);
  }
}

const newPlace = temporaryPlaces();

// With the second number messageIds are being merged into their tables all the time.
it.each([
  [50, undefined],
  [30, 4],
])(
  'does what a simple model of it does, whatever happens in whatever order, crashes included (%i runs, merging at %s)',
  async (numRuns, mergeSeenAt) => {
    const root = await newPlace();
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 20, maxLength: 80 }),
        async (operations) => {
          const run = await Run.start(root, mergeSeenAt === undefined ? {} : { mergeSeenAt });
          for (const each of operations) await run.apply(each);
          await run.finish();
        },
      ),
      { numRuns },
    );
  },
  120_000,
);

class Run {
  readonly #root: string;
  readonly #tuning: StoreTuning;
  readonly #clock = new StillClock(NOW);
  readonly #model: Record<SinkName, ModelSink> = {
    archive: new ModelSink(),
    orders: new ModelSink(),
  };
  readonly #seen = new Set<number>();
  #path = '';
  #outbox: Outbox | undefined;
  #consumers = new Map<SinkName, Consumer>();
  #order = 0;

  static async start(root: string, tuning: StoreTuning): Promise<Run> {
    const run = new Run(root, tuning);
    await run.#open(join(await mkdtemp(join(root, 'run-')), 'outbox.db'));
    return run;
  }

  constructor(root: string, tuning: StoreTuning) {
    this.#root = root;
    this.#tuning = tuning;
  }

  async apply(operation: Operation): Promise<void> {
    switch (operation.do) {
      case 'append':
        await this.#append(operation.ids);
        break;
      case 'claim':
        await this.#claim(
          operation.sink,
          operation.lane % this.#model[operation.sink].lanes,
          operation.max,
        );
        break;
      case 'settle':
        await this.#settle(operation.sink, operation.picks, operation.outcome);
        break;
      case 'replay':
        await this.#replay(operation.pick);
        break;
      case 'reconsume':
        await this.#consumers.get(operation.sink)?.close();
        this.#model[operation.sink].lanes = operation.lanes;
        this.#consume(operation.sink);
        break;
      case 'crash': {
        const place = await mkdtemp(join(this.#root, 'run-'));
        const path = await crashed(this.#path, place);
        // By its counters and positions, too: the start and the check refuse what does not add up.
        expect(checkStore(path).problems).toEqual([]);
        await this.#outbox?.close();
        await this.#open(path);
      }
    }
    await this.#compare();
  }

  /** Drains both sinks: what the model says is open must come out, and nothing else. */
  async finish(): Promise<void> {
    for (const name of SINKS) {
      const model = this.#model[name];
      for (let lane = 0; lane < model.lanes; lane += 1) {
        while (model.unclaimed(lane).length > 0) await this.#claim(name, lane, 5);
        await this.#claim(name, lane, 5);
      }
      await this.#settle(
        name,
        model.claimed().map((_, at) => at),
        'done',
      );
      expect(model.open).toEqual([]);
    }
    await this.#compare();
    await this.#outbox?.close();
  }

  async #open(path: string): Promise<void> {
    this.#path = path;
    const options = {
      dedupeWindow: 3_600_000,
      maxPending: 1e6,
      retention: { age: 0 },
      durability: 'normal',
    } as const;
    const { outbox } = inProcess({ path, ...options }, this.#clock, this.#tuning);
    await outbox.open(named(...SINKS));
    this.#outbox = outbox;
    for (const name of SINKS) this.#consume(name);
  }

  #consume(name: SinkName): void {
    const model = this.#model[name];
    for (const event of model.open) event.claimed = undefined;
    const consumer = this.#outbox?.consumer(name, model.lanes);
    if (consumer !== undefined) this.#consumers.set(name, consumer);
  }

  async #append(ids: readonly number[]): Promise<void> {
    const events = ids.map((id) => newEvent(`m${id}`, { orderKey: `u:${id % 7}` }));
    const appended = await this.#outbox?.append(delivery(events));
    for (const [at, id] of ids.entries()) {
      const outcome = this.#seen.has(id) ? 'duplicate' : 'accepted';
      expect(appended?.[at]?.outcome).toBe(outcome);
      if (outcome === 'duplicate') continue;
      this.#seen.add(id);
      for (const name of SINKS) this.#push(name, `{"messageId":"m${id}"}`, `u:${id % 7}`);
    }
  }

  #push(name: SinkName, json: string, orderKey: string): void {
    this.#order += 1;
    this.#model[name].open.push({
      json,
      orderKey,
      order: this.#order,
      attempts: [],
      claimed: undefined,
    });
  }

  async #claim(name: SinkName, lane: number, max: number): Promise<void> {
    const expected = this.#model[name].unclaimed(lane);
    const claimed = (await this.#consumers.get(name)?.claim(lane, max))?.events ?? [];
    expect(claimed.length).toBeLessThanOrEqual(max);
    expect(claimed.length > 0).toBe(expected.length > 0);
    for (const [at, { id, ...rest }] of claimed.entries()) {
      const event = expected[at];
      expect(rest).toEqual({
        json: event?.json,
        orderKey: event?.orderKey,
        attempts: event?.attempts,
      });
      if (event !== undefined) event.claimed = id;
    }
  }

  async #settle(
    name: SinkName,
    picks: readonly number[],
    outcome: Settlement['outcome'],
  ): Promise<void> {
    const model = this.#model[name];
    const candidates = model.claimed();
    const chosen = [...new Set(picks.map((pick) => pick % candidates.length))].flatMap(
      (at) => candidates[at] ?? [],
    );
    const attempt = { at: NOW, error: `e${this.#order}` };
    const consumer = this.#consumers.get(name);
    const settlements = chosen.map((event) => ({ id: event.claimed ?? '', outcome, attempt }));
    if (consumer !== undefined) await settle(consumer, settlements);
    for (const event of chosen) {
      if (outcome !== 'done') event.attempts = [...event.attempts, attempt];
      if (outcome === 'retry') continue;
      model.open.splice(model.open.indexOf(event), 1);
      if (outcome === 'done') model.delivered += 1;
      else model.dead.push(event);
    }
  }

  async #replay(pick: number): Promise<void> {
    const letters = (await this.#outbox?.deadLetters.list({ limit: 100 })) ?? [];
    const letter = letters[pick % letters.length];
    if (letter === undefined) return;
    expect(await this.#outbox?.deadLetters.requeue([letter.id])).toEqual({ requeued: 1, kept: [] });
    const name = letter.sink === 'archive' ? 'archive' : 'orders';
    const { dead } = this.#model[name];
    const at = dead.findIndex((event) => event.json === letter.json);
    expect(letter.attempts).toEqual(dead[at]?.attempts);
    this.#push(name, letter.json, dead[at]?.orderKey ?? '');
    dead.splice(at, 1);
  }

  async #compare(): Promise<void> {
    // Sweeps run now and then: what they delete must never be missed.
    this.#clock.move(1_000);
    const stats = await this.#outbox?.stats();
    expect(stats?.accepted).toBe(this.#seen.size);
    for (const name of SINKS) {
      const { open, delivered, dead } = this.#model[name];
      expect(stats?.sinks.find((each) => each.name === name)).toMatchObject({
        pending: open.length,
        delivered,
        deadLetters: dead.length,
      });
    }
  }
}
