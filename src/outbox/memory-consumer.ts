import type { MemorySink, OpenEvent } from './memory-sink.js';
import { orderHash } from './order-hash.js';
import type { Attempt, Claimed, Consumer, Settlement } from './outbox.js';

interface Dead {
  readonly sink: string;
  readonly at: number;
  readonly attempts: readonly Attempt[];
  readonly orderKey: string;
  readonly json: string;
}

export interface MemoryConsumerDeps {
  readonly onDead: (letter: Dead) => void;
  readonly onClose: () => void;
}

/** One sink's way through the outbox in memory: a queue a lane. */
export class MemoryConsumer implements Consumer {
  readonly #sink: MemorySink;
  readonly #deps: MemoryConsumerDeps;
  readonly #queues: readonly OpenEvent[][];
  readonly #claimed = new Set<string>();
  readonly #waiting = new Map<number, Set<() => void>>();
  #closed = false;

  constructor(sink: MemorySink, lanes: number, deps: MemoryConsumerDeps) {
    this.#sink = sink;
    this.#deps = deps;
    this.#queues = Array.from({ length: lanes }, () => []);
    for (const event of sink.open()) this.#push(event);
    sink.onPush = (event) => this.#push(event);
  }

  async claim(lane: number, max: number): Promise<readonly Claimed[]> {
    if (this.#closed) return [];
    return (this.#queues[lane] ?? []).splice(0, max).map(({ id, json, orderKey, attempts }) => {
      this.#claimed.add(id);
      return { id, json, orderKey, attempts: [...attempts] };
    });
  }

  async settle(settlements: readonly Settlement[]): Promise<void> {
    for (const settlement of settlements) {
      const event = this.#sink.get(settlement.id);
      if (event === undefined || !this.#claimed.has(event.id)) continue;
      if (settlement.outcome !== 'done') event.attempts.push(settlement.attempt);
      if (settlement.outcome === 'retry') continue;
      this.#claimed.delete(event.id);
      this.#sink.settle(event.id, settlement.outcome === 'done');
      if (settlement.outcome === 'dead') {
        const { orderKey, json, attempts } = event;
        this.#deps.onDead({
          sink: this.#sink.name,
          at: settlement.attempt.at,
          attempts,
          orderKey,
          json,
        });
      }
    }
  }

  available(lane: number, signal: AbortSignal): Promise<void> {
    if (this.#closed || signal.aborted || (this.#queues[lane]?.length ?? 0) > 0) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const wakers = this.#waiting.get(lane) ?? new Set();
      this.#waiting.set(lane, wakers);
      const wake = (): void => {
        wakers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      wakers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#sink.onPush = undefined;
    for (const lane of this.#waiting.keys()) this.#wake(lane);
    this.#deps.onClose();
  }

  #push(event: OpenEvent): void {
    const lane = orderHash(event.orderKey) % this.#queues.length;
    this.#queues[lane]?.push(event);
    this.#wake(lane);
  }

  #wake(lane: number): void {
    for (const wake of [...(this.#waiting.get(lane) ?? [])]) wake();
  }
}
