import type { Consumer, Lease } from '../../outbox/feed.js';
import type { Account } from '../budget.js';
import type { StopSignals } from '../ports.js';
import type { Prepare } from '../routing/prepare.js';
import { becomes, type Entry, type Part } from './entry.js';
import { beginTenure, type Tenure } from './tenure.js';

export interface HoldingOptions {
  readonly consumer: Consumer;
  readonly account: Account;
  readonly prepare: Prepare;
  readonly stop: StopSignals;
}

/**
 * The events that a lane has claimed and not settled, in order: first the batches, then what is collected for the next
 * batch, then the rest, which is not prepared yet. All of them are claimed under one lease.
 *
 * Their texts count against the budget of all sinks. A lane that has to wait releases the texts for which its sink has
 * borrowed bytes. The events stay claimed; their texts are read again when they are next.
 */
export class Holding {
  readonly batches: (readonly Part[])[] = [];
  collected: Part[] = [];
  rest: readonly Entry[] = [];
  #tenure: Tenure | undefined;
  readonly #options: HoldingOptions;

  constructor(options: HoldingOptions) {
    this.#options = options;
  }

  /** The lease of these events; undefined before the first claim. */
  get tenure(): Tenure | undefined {
    return this.#tenure;
  }

  /** Aborts when a wait of the lane must end: at a soft stop, or when its lease is revoked. */
  get waits(): AbortSignal {
    return this.#tenure?.waits ?? this.#options.stop.soft;
  }

  /** Whether the lane must drop what it holds: another consumer may have claimed it. */
  get isRevoked(): boolean {
    return this.#tenure?.lease.revoked.aborted === true;
  }

  /** Begins to hold events under this lease. If it is a new one, drops what was held under the last. */
  adopt(lease: Lease): void {
    if (this.#tenure?.lease === lease) return;
    this.abandon();
    this.#tenure = beginTenure(lease, this.#options.stop);
  }

  /** Drops everything, unsettled: the lease was revoked, or the lane has ended. */
  abandon(): void {
    for (const entry of this.#entries()) this.drop(entry);
    this.batches.splice(0);
    this.collected = [];
    this.rest = [];
    this.#tenure?.end();
    this.#tenure = undefined;
  }

  /** Returns the unsettled events of the next batch to attempt; undefined if every batch is finished. */
  next(): readonly Part[] | undefined {
    for (;;) {
      const [first] = this.batches;
      if (first === undefined) return undefined;
      const open = first.filter(({ entry }) => !entry.settled);
      if (open.length > 0) {
        this.batches[0] = open;
        return open;
      }
      this.batches.shift();
    }
  }

  /**
   * Drops events that are no longer pending because a limit or a purge removed them. Returns whether there were any.
   */
  dropVoid(batch: readonly Part[]): boolean {
    const gone = batch.filter(({ entry }) => !this.#options.consumer.holds(entry.id));
    for (const { entry } of gone) {
      entry.settled = true;
      this.drop(entry);
    }
    return gone.length > 0;
  }

  /** Drops what an attempt settled of its batch and puts `retries` in its place. */
  attempted(batch: readonly Part[], retries: readonly (readonly Part[])[]): void {
    this.batches.splice(0, 1, ...retries);
    for (const { entry } of batch) if (entry.settled) this.drop(entry);
  }

  /** Releases the bytes of a settled entry. */
  drop(entry: Entry): void {
    this.#giveBack(entry);
    entry.parts = [];
  }

  /** Corrects the bytes of an entry whose size changed when it was prepared. */
  recount(entry: Entry): void {
    const { account } = this.#options;
    let size = 0;
    for (const { event } of entry.parts) size += event?.json.length ?? 0;
    account.adjust(size - entry.held);
    entry.held = size;
  }

  /** Called before a wait: releases this lane's texts if the sink holds more than its share. */
  putDown(): void {
    if (this.#options.account.borrows) this.#putAllDown();
  }

  /**
   * Brings the texts of these entries into memory and reads released ones again. Resolves to false if a stop or
   * a revoked lease ended the wait for room. Rejects if the outbox cannot be read; the texts are then released as before. An entry that the
   * outbox no longer holds counts as settled.
   */
  async load(entries: readonly Entry[]): Promise<boolean> {
    const { account, consumer } = this.#options;
    let missing = entries.filter(({ held }) => held === 0);
    if (missing.length === 0) return true;
    if (!account.tryTake(sizeOf(missing))) {
      // A lane must not wait for room while it holds some: two lanes could wait for each other forever.
      this.#putAllDown();
      missing = [...entries];
      if (!(await account.take(sizeOf(missing), this.waits))) return false;
    }
    for (const entry of missing) entry.held = entry.size;
    try {
      const texts = await consumer.read(missing.map(({ id }) => id));
      for (const entry of missing) {
        entry.text = texts.get(entry.id);
        if (entry.text !== undefined) continue;
        entry.settled = true;
        this.drop(entry);
      }
      return true;
    } catch (error) {
      for (const entry of missing) this.#giveBack(entry);
      throw error;
    }
  }

  /**
   * Brings the events of a batch into memory; reads and prepares released ones again. Resolves to false if a stop ended
   * the wait for room, or if preparing gave a different result than before. The remaining events of the batches then
   * become the rest, to be collected again.
   */
  async pickUp(batch: readonly Part[]): Promise<boolean> {
    const entries = [...new Set(batch.map(({ entry }) => entry))];
    const down = entries.filter(({ held }) => held === 0);
    if (down.length === 0) return true;
    if (!(await this.load(entries))) return false;
    const there = entries.filter(({ text }) => text !== undefined);
    const prepared = await this.#options.prepare(there.map(({ text }) => text ?? ''));
    const same = there.every(({ parts }, at) => {
      const result = prepared[at];
      return result?.kind === 'send' && result.events.length === parts.length;
    });
    if (!same) {
      this.#unwind();
      return false;
    }
    for (const [at, entry] of there.entries()) {
      const result = prepared[at];
      if (result?.kind !== 'send') continue;
      entry.text = undefined;
      for (const [index, part] of entry.parts.entries()) part.event = result.events[index];
      this.recount(entry);
    }
    return true;
  }

  /** Makes newly prepared events the parts of an entry. */
  become(entry: Entry, events: Parameters<typeof becomes>[1]): readonly Part[] {
    const parts = becomes(entry, events);
    this.recount(entry);
    return parts;
  }

  /** Makes the unsettled events of the batches the rest, in order, as if none had been prepared. */
  #unwind(): void {
    const open = new Set<Entry>();
    for (const batch of this.batches.splice(0)) {
      for (const { entry } of batch) if (!entry.settled) open.add(entry);
    }
    for (const entry of open) {
      this.#giveBack(entry);
      entry.parts = [];
    }
    this.rest = [...open, ...this.rest];
  }

  #putAllDown(): void {
    for (const entry of this.#entries()) this.#giveBack(entry);
  }

  #entries(): ReadonlySet<Entry> {
    const parts = [...this.batches.flat(), ...this.collected];
    return new Set([...parts.map(({ entry }) => entry), ...this.rest]);
  }

  #giveBack(entry: Entry): void {
    this.#options.account.give(entry.held);
    entry.held = 0;
    entry.text = undefined;
    for (const part of entry.parts) part.event = undefined;
  }
}

function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0);
}
