import type { OutboxDeps } from '../outbox.js';

/** The minimum time between two lines about the same sink, in milliseconds: a bad disk can garble every event. */
const EVERY = 60_000;

/** Logs that stored events were garbled and became dead letters, each time with the total so far. */
export class GarbledLog {
  readonly #deps: Pick<OutboxDeps, 'clock' | 'log'>;
  readonly #sinks = new Map<string, { events: number; saidAt: number }>();

  constructor(deps: Pick<OutboxDeps, 'clock' | 'log'>) {
    this.#deps = deps;
  }

  add(sink: string, events: number): void {
    const now = this.#deps.clock.monotonic();
    const known = this.#sinks.get(sink);
    const total = (known?.events ?? 0) + events;
    const isSaid = known !== undefined && now - known.saidAt < EVERY;
    this.#sinks.set(sink, { events: total, saidAt: isSaid ? known.saidAt : now });
    if (isSaid) return;
    this.#deps.log.error(
      { sink, events: total },
      'These events are damaged in the outbox: their checksums do not match. They became dead letters. ' +
        'Check the disk, then stop the receiver and run trackbridge outbox check',
    );
  }
}
