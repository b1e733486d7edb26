export type SinkStep = 'pending' | 'delivered' | 'failed' | 'skipped' | 'dead';

/** How many events of a delivery are at each step of a sink. */
export type Progress = Readonly<Record<SinkStep, number>>;

const STEPS: readonly SinkStep[] = ['pending', 'delivered', 'failed', 'skipped', 'dead'];

/** The progress of one delivery's accepted events for each sink: one byte per event and sink. */
export class SinkProgress {
  readonly #sinks = new Map<string, Uint8Array>();
  #events = 0;

  /** Adds events that are pending. */
  expect(events: number): void {
    this.#events = events;
  }

  /** Sets the latest step of the events at these positions. */
  note(sink: string, step: SinkStep, positions: readonly number[]): void {
    let states = this.#sinks.get(sink);
    if (states === undefined) {
      states = new Uint8Array(this.#events);
      this.#sinks.set(sink, states);
    }
    for (const position of positions) states[position] = STEPS.indexOf(step);
  }

  of(sink: string): Progress {
    const counts = { pending: 0, delivered: 0, failed: 0, skipped: 0, dead: 0 };
    const states = this.#sinks.get(sink);
    if (states === undefined) return { ...counts, pending: this.#events };
    for (const state of states) counts[STEPS[state] ?? 'pending']++;
    return counts;
  }
}
