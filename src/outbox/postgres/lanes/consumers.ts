import type { PostgresConsumer } from './consumer.js';

/** The consumers of this process, by sink. */
export class Consumers {
  readonly #consumers = new Map<string, PostgresConsumer>();

  get size(): number {
    return this.#consumers.size;
  }

  has(sink: string): boolean {
    return this.#consumers.has(sink);
  }

  add(sink: string, consumer: PostgresConsumer): void {
    this.#consumers.set(sink, consumer);
  }

  remove(sink: string): void {
    this.#consumers.delete(sink);
  }

  /** There may be new events. `own`: this process has written them. */
  notice(own: boolean): void {
    for (const consumer of this.#consumers.values()) consumer.notice(own);
  }

  /** Nothing is pending for a sink up to this position. */
  forget(sink: string, upTo: number): void {
    this.#consumers.get(sink)?.forget(upTo);
  }

  /** The lease of this process is over. Returns whether it owned anything. */
  loseAll(): boolean {
    const lost = [...this.#consumers.values()].map((consumer) => consumer.loseAll());
    return lost.includes(true);
  }

  /** Compares what they own with the store, and takes or hands over partitions. */
  async balance(): Promise<void> {
    for (const consumer of this.#consumers.values()) {
      await consumer.resync();
      await consumer.balance();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.close()));
  }
}
