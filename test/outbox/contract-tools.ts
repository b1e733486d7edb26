import { afterEach } from 'vitest';
import { TrackbridgeError } from '../../src/errors.js';
import { orderHash } from '../../src/outbox/order-hash.js';
import type { NewEvent, Outbox } from '../../src/outbox/outbox.js';
import { delivery, NOW } from './samples.js';
import { StillClock } from './still-clock.js';

export interface ContractOptions {
  readonly dedupeWindow: number;
  readonly maxPending: number;
  readonly retention: number;
}

export interface Harness {
  /** An outbox that is not open yet; called again with the same place, it opens what was there. */
  create(place: string, options: ContractOptions, clock: StillClock): Outbox;
  newPlace(): Promise<string>;
  /** Whether it keeps anything when it is closed. */
  readonly keeps: boolean;
}

const HOUR = 3_600_000;
const OPTIONS: ContractOptions = { dedupeWindow: HOUR, maxPending: 1_000, retention: HOUR };

/** Starts outboxes for the contract's tests, and closes them after each. */
export function contractTools(harness: Harness) {
  const opened: Outbox[] = [];

  afterEach(async () => {
    for (const outbox of opened.splice(0)) await outbox.close();
  });

  async function start(
    sinks: readonly string[] = ['archive'],
    options: Partial<ContractOptions> = {},
    place?: string,
    clock = new StillClock(NOW),
  ): Promise<{ outbox: Outbox; clock: StillClock; place: string }> {
    const where = place ?? (await harness.newPlace());
    const outbox = harness.create(where, { ...OPTIONS, ...options }, clock);
    await outbox.open(sinks);
    opened.push(outbox);
    return { outbox, clock, place: where };
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

/** Where an order key goes is the outbox's business; the tests ask the one function all of them share. */
export function laneOf(orderKey: string, lanes: number): number {
  return orderHash(orderKey) % lanes;
}
