export type SinkStep = 'pending' | 'delivered' | 'failed' | 'skipped' | 'dead';

/** How many events of a delivery are where with a sink. */
export type Progress = Readonly<Record<SinkStep, number>>;

const STEPS: readonly SinkStep[] = ['pending', 'delivered', 'failed', 'skipped', 'dead'];

/** Where the accepted events of one delivery are with each sink: a byte an event and sink. */
export class SinkProgress {
  readonly #sinks = new Map<string, Uint8Array>();
  #events = 0;

  /** So many events are on their way, none attempted yet. */
  expect(events: number): void {
    this.#events = events;
  }

  /** The last word on the events at these places. */
  note(sink: string, step: SinkStep, places: readonly number[]): void {
    let states = this.#sinks.get(sink);
    if (states === undefined) {
      states = new Uint8Array(this.#events);
      this.#sinks.set(sink, states);
    }
    for (const place of places) states[place] = STEPS.indexOf(step);
  }

  of(sink: string): Progress {
    const counts = { pending: 0, delivered: 0, failed: 0, skipped: 0, dead: 0 };
    const states = this.#sinks.get(sink);
    if (states === undefined) return { ...counts, pending: this.#events };
    for (const state of states) counts[STEPS[state] ?? 'pending']++;
    return counts;
  }
}
