import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type DeliveryResult,
  type Failure,
  resultOf,
  type Sink,
  SinkError,
  type SinkEvent,
} from '../../src/sinks/sink.js';
import { eventOf, forgedEvent, oddEvents, sinkEvent } from './events.js';

/** A sink on a target that a test can look into, stall and break. */
export interface Bench {
  readonly sink: Sink;
  /** The same type on a target that can never take anything. */
  readonly broken: Sink;
  /** What has arrived, parsed, oldest first. */
  received(): Promise<readonly unknown[]>;
  /** What arrives of an event; the canonical event where left out. */
  arrives?(event: SinkEvent): unknown;
  /** Odd events that the target takes; all where left out. */
  readonly odd?: readonly SinkEvent[];
  /** From now on the target accepts work and never finishes it. */
  stall(): void;
  /** From now on the target refuses. */
  fail(): void;
  /** The target works again. */
  mend(): void;
  /** Texts that no error may hold. */
  readonly secrets: readonly string[];
  dispose(): Promise<void>;
}

const never = (): AbortSignal => new AbortController().signal;

type BatchOutcome = readonly DeliveryResult[] | SinkError;

/** A failed batch may be thrown or reported event by event; both mean the same to the dispatcher. */
async function outcome(delivery: Promise<readonly DeliveryResult[]>): Promise<BatchOutcome> {
  return delivery.catch((error: unknown) => {
    if (error instanceof SinkError) return error;
    throw error;
  });
}

function failures(of: BatchOutcome): readonly Failure[] {
  if (of instanceof SinkError) return [resultOf(of)];
  return of.filter((result) => !result.ok);
}

/** What every sink promises the dispatcher, whatever it talks to. */
export function sinkContract(name: string, prepare: () => Promise<Bench>): void {
  describe(`${name}: the contract of every sink`, () => {
    let bench: Bench;
    const values = (batch: readonly SinkEvent[]): unknown[] =>
      batch.map((event) => bench.arrives?.(event) ?? JSON.parse(event.json));
    beforeEach(async () => {
      bench = await prepare();
    });
    afterEach(async () => {
      bench.mend();
      await bench.sink.close();
      await bench.broken.close();
      await bench.dispose();
    });

    it('closes without having been opened, and twice', async () => {
      await bench.sink.close();
      await bench.sink.close();
    });

    it('closes twice after delivering, and opens again', async () => {
      await bench.sink.open();
      await bench.sink.deliver([sinkEvent('a')], never());
      await bench.sink.close();
      await bench.sink.close();
      await bench.sink.open();
      await bench.sink.deliver([sinkEvent('b')], never());
      expect(await bench.received()).toEqual(values([sinkEvent('a'), sinkEvent('b')]));
    });

    it('lets no forged event and no other source displace an event by its messageId', async () => {
      await bench.sink.open();
      const batch = [
        forgedEvent('a', { event: 'Forged', userId: 'mallory' }),
        sinkEvent('a'),
        eventOf('other', 'a', { event: 'Other', userId: 'u-2' }),
      ];
      // Each by itself, so that what deduplicates has seen the one before.
      for (const event of batch) {
        expect(await bench.sink.deliver([event], never())).toEqual([{ ok: true }]);
      }
      // And all at once, the wrong one first.
      const other = [
        forgedEvent('b', { event: 'Forged', userId: 'mallory' }),
        eventOf('other', 'b', { event: 'Other', userId: 'u-2' }),
        sinkEvent('b'),
      ];
      expect(await bench.sink.deliver(other, never())).toEqual(other.map(() => ({ ok: true })));
      const genuine = [...batch, ...other].filter(({ event }) => event.receipt.authenticated);
      expect(await bench.received()).toEqual(expect.arrayContaining(values(genuine)));
    });

    it('answers one result an event, and keeps their order', async () => {
      await bench.sink.open();
      const batch = ['a', 'b', 'c', 'd', 'e'].map((id) => sinkEvent(id));
      expect(await bench.sink.deliver(batch, never())).toEqual(batch.map(() => ({ ok: true })));
      expect(await bench.received()).toEqual(values(batch));
    });

    it('brings every type of event and odd values through unchanged', async () => {
      await bench.sink.open();
      const batch = bench.odd ?? oddEvents();
      expect(await bench.sink.deliver(batch, never())).toEqual(batch.map(() => ({ ok: true })));
      expect(await bench.received()).toEqual(values(batch));
    });

    it('takes deliveries of several lanes at once', async () => {
      await bench.sink.open();
      const batches = Array.from({ length: 16 }, (_, lane) =>
        Array.from({ length: 5 }, (_, index) =>
          sinkEvent(`${lane}-${index}`, { userId: `${lane}` }),
        ),
      );
      const results = await Promise.all(batches.map((batch) => bench.sink.deliver(batch, never())));
      expect(results.flat()).toEqual(Array.from({ length: 80 }, () => ({ ok: true })));
      const received = await bench.received();
      expect(received).toHaveLength(80);
      for (const [lane, batch] of batches.entries()) {
        const ofLane = received.filter((event) => Object(event).userId === `${lane}`);
        expect(ofLane).toEqual(values(batch));
      }
    });

    it('does not begin with a signal that has aborted', async () => {
      await bench.sink.open();
      const delivery = bench.sink.deliver([sinkEvent('a')], AbortSignal.abort());
      expect(failures(await outcome(delivery))).toMatchObject([{ retryable: true }]);
      expect(await bench.received()).toEqual([]);
    });

    it('stops when its signal aborts, and asks for a retry', async () => {
      await bench.sink.open();
      bench.stall();
      const controller = new AbortController();
      const delivery = outcome(bench.sink.deliver([sinkEvent('a')], controller.signal));
      controller.abort();
      expect(failures(await delivery)).toMatchObject([{ retryable: true }]);
    });

    it('delivers again after a failure', async () => {
      await bench.sink.open();
      bench.fail();
      expect(failures(await outcome(bench.sink.deliver([sinkEvent('a')], never())))).toMatchObject([
        { retryable: true },
      ]);
      bench.mend();
      expect(await bench.sink.deliver([sinkEvent('a')], never())).toEqual([{ ok: true }]);
      expect(await bench.received()).toEqual(values([sinkEvent('a')]));
    });

    it('checks a good target without leaving anything there', async () => {
      await bench.sink.check();
      expect(await bench.received()).toEqual([]);
    });

    it('says in one line, without secrets, what is wrong with a bad target', async () => {
      const errors = [await bench.broken.check().catch((error: unknown) => error)];
      errors.push(await bench.broken.open().catch((error: unknown) => error));
      bench.fail();
      errors.push(await bench.sink.open().catch((error: unknown) => error));
      const failed = failures(await outcome(bench.sink.deliver([sinkEvent('a')], never())));
      expect(failed).not.toEqual([]);

      expect(errors[0]).toBeInstanceOf(SinkError);
      const texts = [...errors, ...failed.map(({ message }) => message)]
        .filter(Boolean)
        .map(String);
      for (const text of texts) {
        expect(text).toMatch(/^\P{Cc}{10,}$/u);
        for (const secret of bench.secrets) expect(text).not.toContain(secret);
      }
      for (const { farSide = '' } of failed) expect(farSide).toMatch(/^\P{Cc}*$/u);
    });
  });
}
