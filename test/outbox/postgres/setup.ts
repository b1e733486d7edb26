import { afterEach } from 'vitest';
import { type Clock, systemClock } from '../../../src/core/clock.js';
import type { PostgresOptions } from '../../../src/outbox/postgres/options.js';
import { type PostgresDeps, PostgresOutbox } from '../../../src/outbox/postgres/outbox.js';
import type { SinkSettings } from '../../../src/outbox/store.js';
import type { Places } from './places.js';

export interface Member {
  readonly outbox: PostgresOutbox;
  /** Lines of its log, with their level before them. */
  readonly lines: string[];
}

const OPTIONS: Omit<PostgresOptions, 'url' | 'schema'> = {
  partitions: 16,
  lease: 1_500,
  durability: 'full',
  dedupeWindow: 3_600_000,
  maxPending: 100_000,
  retention: { age: 3_600_000 },
};

/** Starts members of stores, and closes them after each test. */
export function members(places: Places) {
  const opened: PostgresOutbox[] = [];
  afterEach(async () => {
    for (const outbox of opened.splice(0)) await outbox.close();
  });
  return async (
    schema: string,
    sinks: readonly SinkSettings[] = [{ name: 'archive' }],
    options: Partial<PostgresOptions> = {},
    deps: Partial<PostgresDeps> = {},
  ): Promise<Member> => {
    const lines: string[] = [];
    const say = (level: string) => (_: object, message: string) =>
      void lines.push(`${level}: ${message}`);
    const outbox = new PostgresOutbox(
      { ...OPTIONS, url: places.url(), schema, ...options },
      { clock: systemClock, log: { warn: say('warn'), error: say('error') }, ...deps },
    );
    opened.push(outbox);
    await outbox.open(sinks);
    return { outbox, lines };
  };
}

/** A clock that can stand still, as that of a process that is stopped (SIGSTOP). */
export class StoppableClock implements Clock {
  #resume: (() => void) | undefined;
  #stopped: Promise<void> | undefined;

  now = systemClock.now;
  monotonic = systemClock.monotonic;

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await systemClock.sleep(ms, signal);
    if (!signal?.aborted) await this.#stopped;
  }

  /** Timers no longer fire. */
  stop(): void {
    this.#stopped = new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.#resume?.();
    this.#stopped = undefined;
  }
}
