import type { RowOutcome } from './row.js';

/** Vendors give a delivery five seconds; what is answered later is sent again, whatever the answer was. */
const VENDORS_WAIT_MS = 5_000;

/** How many ids a problem names. */
const NAMED = 3;

interface SentEvent {
  readonly user: string | undefined;
  /** Which of its user's events it is, from 0. */
  readonly number: number;
  acknowledged: boolean;
}

interface Arrivals {
  readonly times: Map<string, number>;
  /** What is in the dead letters. */
  readonly setAside: Set<string>;
  /** By user, the number of the youngest event that has arrived. */
  readonly youngest: Map<string, number>;
}

/**
 * Knows what was sent, what was answered 200, and what reached each sink, and works out from these what was lost, what came
 * twice, what overtook and what nobody sent.
 */
export class Ledger {
  readonly #events = new Map<string, SentEvent>();
  readonly #numbers = new Map<string, number>();
  readonly #sinks = new Map<string, Arrivals>();
  readonly #refusals = new Map<number, number>();
  readonly #problems: string[] = [];
  readonly #invented = new Set<string>();
  readonly #overtaken: string[] = [];
  #longestAnswerMs = 0;
  #acknowledged = 0;

  /** `sinks`: the names of those that every event has to reach. */
  constructor(sinks: readonly string[]) {
    for (const sink of sinks)
      this.#sinks.set(sink, {
        times: new Map(),
        setAside: new Set(),
        youngest: new Map(),
      });
  }

  /** How many different events have been answered 200. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** How many different events have been sent. */
  get sent(): number {
    return this.#events.size;
  }

  /** Whether any delivery that held this event was answered 200. */
  isAcknowledged(id: string): boolean {
    return this.#events.get(id)?.acknowledged === true;
  }

  /** The events that have been answered 200. */
  acknowledgedIds(): readonly string[] {
    return [...this.#events].filter(([, { acknowledged }]) => acknowledged).map(([id]) => id);
  }

  /** How many answers had this status. Answers of 200 are not counted here. */
  refused(status: number): number {
    return this.#refusals.get(status) ?? 0;
  }

  /**
   * An event is about to be sent, for the first time or again. With a `user`, the order in which that user's events were
   * first sent is the order in which they have to arrive; so send the next one only after the answer to the one before.
   */
  sending(id: string, user?: string): void {
    if (this.#events.has(id)) return;
    const number = this.#numbers.get(user ?? '') ?? 0;
    this.#numbers.set(user ?? '', number + 1);
    this.#events.set(id, { user, number, acknowledged: false });
  }

  /** A delivery of these events was answered after `ms`. */
  answered(ids: readonly string[], status: number, ms: number): void {
    this.#longestAnswerMs = Math.max(this.#longestAnswerMs, ms);
    if (status !== 200) {
      this.#refusals.set(status, this.refused(status) + 1);
      return;
    }
    for (const id of ids) {
      const event = this.#events.get(id);
      if (event === undefined || event.acknowledged) continue;
      event.acknowledged = true;
      this.#acknowledged++;
    }
  }

  /** A sink has refused this event for good, and it is in the dead letters: not delivered there, and not lost. */
  deadLetter(sink: string, id: string): void {
    this.#sinks.get(sink)?.setAside.add(id);
  }

  /** A sink has taken this event, for the first time or again; called in the order in which it took them. */
  arrived(sink: string, id: string): void {
    const arrivals = this.#sinks.get(sink);
    if (arrivals === undefined) throw new Error(`the ledger knows no sink "${sink}"`);
    const event = this.#events.get(id);
    if (event === undefined) {
      this.#invented.add(id);
      return;
    }
    const times = arrivals.times.get(id) ?? 0;
    arrivals.times.set(id, times + 1);
    if (times > 0 || event.user === undefined) return;
    const youngest = arrivals.youngest.get(event.user) ?? -1;
    if (event.number < youngest) this.#overtaken.push(`${sink}: ${id}`);
    arrivals.youngest.set(event.user, Math.max(youngest, event.number));
  }

  /** Whether every event answered 200 has reached every sink. */
  isComplete(): boolean {
    return this.#lost().length === 0;
  }

  /** Something else that a row asked for and that did not hold. */
  problem(text: string): void {
    this.#problems.push(text);
  }

  /** A problem where `holds` is false. */
  expect(holds: boolean, problem: string): void {
    if (!holds) this.problem(problem);
  }

  /** What came of it all; call it when nothing is on its way any more. `notes` say how the row was run here. */
  outcome(notes: readonly string[] = []): RowOutcome {
    const sinks = [...this.#sinks.values()];
    const everywhere = [...this.#events.keys()].filter((id) =>
      sinks.every(({ times }) => times.has(id)),
    );
    const again = sinks.flatMap(({ times }) => [...times.values()].map((count) => count - 1));
    return {
      sent: this.#events.size,
      answered200: this.#acknowledged,
      delivered: everywhere.length,
      lost: this.#lost().length,
      duplicated: again.reduce((sum, count) => sum + count, 0),
      longestAnswerMs: Math.round(this.#longestAnswerMs),
      problems: [...this.#problems, ...this.#found()],
      notes,
    };
  }

  #lost(): readonly string[] {
    const sinks = [...this.#sinks.values()];
    return [...this.#events]
      .filter(
        ([id, { acknowledged }]) =>
          acknowledged && !sinks.every(({ times, setAside }) => times.has(id) || setAside.has(id)),
      )
      .map(([id]) => id);
  }

  /** What holds in every row, and did not here. */
  #found(): readonly string[] {
    const lost = this.#lost();
    // Both vendors drop an event for good on these.
    const forGood = [...this.#refusals].filter(
      ([status]) => status < 500 && status !== 408 && status !== 429,
    );
    return [
      ...(this.#acknowledged === 0 ? ['nothing was answered 200, so nothing was shown'] : []),
      ...(lost.length > 0 ? [`answered 200 and lost: ${named(lost)}`] : []),
      ...(this.#invented.size > 0
        ? [`delivered and never sent: ${named([...this.#invented])}`]
        : []),
      ...(this.#overtaken.length > 0
        ? [`arrived after a younger one of the same user: ${named(this.#overtaken)}`]
        : []),
      ...forGood.map(([status, count]) => `${count} deliveries were answered ${status}`),
      ...(this.#longestAnswerMs > VENDORS_WAIT_MS
        ? [`an answer took ${Math.round(this.#longestAnswerMs)} ms`]
        : []),
    ];
  }
}

function named(ids: readonly string[]): string {
  const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : '';
  return `${ids.slice(0, NAMED).join(', ')}${more}`;
}
