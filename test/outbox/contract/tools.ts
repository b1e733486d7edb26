import { afterEach } from 'vitest';
import { TrackbridgeError } from '../../../src/core/errors.js';
import type { Bounds } from '../../../src/outbox/bounds.js';
import type { NewEvent } from '../../../src/outbox/intake.js';
import { orderHash } from '../../../src/outbox/order-hash.js';
import type { Outbox, OutboxDeps } from '../../../src/outbox/outbox.js';
import type { SinkSettings } from '../../../src/outbox/store.js';
import { delivery, NOW } from '../samples.js';
import { StillClock } from '../still-clock.js';

export interface ContractOptions {
  readonly dedupeWindow: number;
  readonly maxPending: number;
  readonly retention: { readonly age: number };
  readonly quarantine?: Bounds;
  readonly deadLetters?: Bounds;
}

/** What an outbox says and counts. */
export interface Told {
  /** Lines of the log, with their level before them. */
  readonly lines: string[];
  /** Losses by what, whose and, of a bound, which. */
  readonly lost: Map<string, number>;
}

export interface Harness {
  /** An outbox that is not open yet; called again with the same place, it opens what was there. */
  create(place: string, options: ContractOptions, deps: OutboxDeps & { clock: StillClock }): Outbox;
  newPlace(): Promise<string>;
  /** Whether it keeps anything when it is closed. */
  readonly keeps: boolean;
  /** Whether it takes the time from the clock it is given. A shared store has a clock of its own. */
  readonly injectedClock: boolean;
  /** Whether limits hold to the event. With several receivers they are approximate. */
  readonly exactLimits: boolean;
  /** Whether a sink may have one consumer at a time: its engine serves one process. */
  readonly oneConsumer: boolean;
}

const HOUR = 3_600_000;
const OPTIONS: ContractOptions = {
  dedupeWindow: HOUR,
  maxPending: 1_000,
  retention: { age: HOUR },
};

/** Starts outboxes for the contract's tests, and closes them after each. */
export function contractTools(harness: Harness) {
  const opened: Outbox[] = [];

  afterEach(async () => {
    for (const outbox of opened.splice(0)) await outbox.close();
  });

  async function start(
    sinks: readonly (string | SinkSettings)[] = ['archive'],
    options: Partial<ContractOptions> = {},
    place?: string,
    clock = new StillClock(NOW),
  ): Promise<{ outbox: Outbox; clock: StillClock; place: string } & Told> {
    const where = place ?? (await harness.newPlace());
    const told: Told = { lines: [], lost: new Map() };
    const outbox = harness.create(where, { ...OPTIONS, ...options }, { clock, ...portsOf(told) });
    await outbox.open(sinks.map((each) => (typeof each === 'string' ? { name: each } : each)));
    opened.push(outbox);
    return { outbox, clock, place: where, ...told };
  }

  async function outcomes(outbox: Outbox, events: readonly NewEvent[]): Promise<string[]> {
    return (await outbox.append(delivery(events))).map(({ outcome }) => outcome);
  }

  async function sink(outbox: Outbox, sinkName = 'archive') {
    const stats = await outbox.stats();
    return stats.sinks.find((each) => each.name === sinkName);
  }

  async function codeOf(promise: Promise<unknown>): Promise<string> {
    const error = await promise.then(
      () => new Error('it resolved'),
      (reason: unknown) => reason,
    );
    return error instanceof TrackbridgeError ? error.code : String(error);
  }

  return { start, outcomes, sink, codeOf };
}

function portsOf({ lines, lost }: Told): Omit<OutboxDeps, 'clock'> {
  const say = (level: string) => (_fields: object, message: string) =>
    void lines.push(`${level}: ${message}`);
  return {
    log: { warn: say('warn'), error: say('error') },
    observer: {
      lost(loss, events) {
        const key = Object.values(loss).join(' ');
        lost.set(key, (lost.get(key) ?? 0) + events);
      },
    },
  };
}

/** Where an order key goes is the outbox's business; the tests ask the one function all of them share. */
export function laneOf(orderKey: string, lanes: number): number {
  return orderHash(orderKey) % lanes;
}
