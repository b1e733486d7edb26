import { type ChildSignal, childOf, untilAborted } from './signals.js';

/** One sink's part of the budget. */
export interface Account {
  /** Reserves the bytes if there is room now. */
  tryTake(bytes: number): boolean;
  /** Reserves the bytes once there is room. Resolves to whether it did; false only if `signal` aborted first. */
  take(bytes: number, signal: AbortSignal): Promise<boolean>;
  /** Reserves the bytes even without room, because they are in memory already. A negative number releases bytes. */
  adjust(bytes: number): void;
  give(bytes: number): void;
  /** Whether the sink holds more than its own share. It must then release what it does not need at the moment. */
  readonly borrows: boolean;
  /** Resolves when another sink waits for bytes that this sink has borrowed, or when `signal` aborts. */
  wanted(signal: AbortSignal): Promise<void>;
  /** Releases what the sink still holds. Nothing may be reserved afterwards. */
  close(): void;
}

interface Holder {
  held: number;
}

interface Waiting {
  readonly holder: Holder;
  readonly bytes: number;
  readonly grant: () => void;
}

/**
 * The bytes of events that all sinks together hold in memory, claimed and in flight.
 *
 * Half of it is divided into one share per sink, so that no sink can block another. The other half is lent, first come,
 * first served; if there are several sinks, none gets more than half of it. An event larger than the whole budget goes
 * alone, when nothing is lent. A borrower must be making attempts: a lane that waits releases its events and reads them
 * again later, so a sink that is down borrows only for the duration of an attempt.
 */
export class Budget {
  readonly #lendable: number;
  /** One for each open account. */
  readonly #holders = new Set<Holder>();
  #share = 0;
  #lentToOne = 0;
  readonly #waiting: Waiting[] = [];
  readonly #collectors = new Map<ChildSignal, Holder>();
  #lent = 0;

  constructor(bytes: number, sinks: number) {
    this.#lendable = Math.floor(bytes / 2);
    this.divide(sinks);
  }

  /** Divides the shares among so many sinks from now on. What a sink then holds above its share is lent. */
  divide(sinks: number): void {
    const half = this.#lendable;
    this.#share = Math.floor(half / Math.max(sinks, 1));
    this.#lentToOne = sinks > 1 ? Math.floor(half / 2) : half;
    this.#lent = 0;
    for (const { held } of this.#holders) this.#lent += this.#lentTo(held);
    this.#serve();
  }

  /** Opens an account for another sink. */
  account(): Account {
    const holder: Holder = { held: 0 };
    const budget = this;
    this.#holders.add(holder);
    return {
      tryTake: (bytes) => this.#tryTake(holder, bytes),
      take: (bytes, signal) => this.#take(holder, bytes, signal),
      adjust: (bytes) => this.#add(holder, bytes),
      give: (bytes) => this.#add(holder, -bytes),
      get borrows() {
        return budget.#lentTo(holder.held) > 0;
      },
      wanted: (signal) => this.#wanted(holder, signal),
      close: () => this.#close(holder),
    };
  }

  #close(holder: Holder): void {
    this.#add(holder, -holder.held);
    this.#holders.delete(holder);
  }

  #tryTake(holder: Holder, bytes: number): boolean {
    const lends = this.#lentTo(holder.held + bytes) > 0;
    if (lends && (this.#waiting.length > 0 || this.#fits(holder, bytes) !== 'fits')) return false;
    this.#add(holder, bytes);
    return true;
  }

  #take(holder: Holder, bytes: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.#tryTake(holder, bytes)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        resolve(false);
        this.#serve();
      };
      const waiting: Waiting = {
        holder,
        bytes,
        grant: () => {
          signal.removeEventListener('abort', leave);
          resolve(true);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiting);
      // An earlier request may be waiting only for bytes that its own sink holds.
      this.#serve();
      if (!this.#waiting.includes(waiting)) return;
      for (const [collector, { held }] of this.#collectors) {
        if (this.#lentTo(held) > 0) collector.abort();
      }
    });
  }

  #add(holder: Holder, bytes: number): void {
    const before = this.#lentTo(holder.held);
    holder.held += bytes;
    this.#lent += this.#lentTo(holder.held) - before;
    if (bytes < 0) this.#serve();
  }

  /** Serves requests in order. A request that waits for bytes of its own sink lets later ones pass. */
  #serve(): void {
    for (let at = 0; at < this.#waiting.length; ) {
      const waiting = this.#waiting[at];
      if (waiting === undefined) return;
      const fits = this.#fits(waiting.holder, waiting.bytes);
      if (fits === 'others-first') return;
      if (fits === 'own-first') {
        at++;
        continue;
      }
      this.#waiting.splice(at, 1);
      this.#add(waiting.holder, waiting.bytes);
      waiting.grant();
    }
  }

  /** `own-first`: the sink's own loans must be returned first. `others-first`: the loans of other sinks must be. */
  #fits({ held }: Holder, bytes: number): 'fits' | 'own-first' | 'others-first' {
    const before = this.#lentTo(held);
    const after = this.#lentTo(held + bytes);
    if (after === 0 || this.#lent === 0) return 'fits';
    if (after > this.#lentToOne && before > 0) return 'own-first';
    if (after > this.#lentToOne) return 'others-first';
    return this.#lent - before + after <= this.#lendable ? 'fits' : 'others-first';
  }

  #lentTo(held: number): number {
    return Math.max(held - this.#share, 0);
  }

  async #wanted(holder: Holder, signal: AbortSignal): Promise<void> {
    if (this.#waiting.length > 0 && this.#lentTo(holder.held) > 0) return;
    const woken = childOf(signal);
    this.#collectors.set(woken, holder);
    await untilAborted(woken.signal);
    this.#collectors.delete(woken);
    woken.release();
  }
}

/** Events may use this fraction of the heap. Their texts exist up to three times while they are sent. */
const PART_OF_HEAP = 8;
const MOST = 128 * 1024 * 1024;

/** Returns the bytes of events that all sinks together may hold in a process with this heap limit. */
export function budgetFor(heapLimit: number): number {
  return Math.min(Math.floor(heapLimit / PART_OF_HEAP), MOST);
}
