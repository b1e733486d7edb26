// A sink can settle an event before the request that brought it begins to wait. This many ids cover about a second at
// the highest rate measured. A wait for an id that was dropped lasts until its signal aborts, which is answered
// `queued`.
const REMEMBERED = 10_000;

/**
 * What a sink has settled and who waits for it. The recent ids are in two generations: deleting the oldest ids of one
 * Set, one by one, takes longer the more have been deleted before.
 */
interface Progress {
  recent: Set<string>;
  older: Set<string>;
  readonly waiting: Map<string, Set<() => void>>;
}

/**
 * Notifies callers that wait for an event once every sink has settled it: `Outbox.settled` of a single-process engine.
 */
export class SettledWatch {
  readonly #sinks = new Map<string, Progress>();
  readonly #waiters = new Set<() => void>();
  #isReleased = false;

  /** Waits for these sinks from now on. Nobody waits any longer for a sink that is left out. */
  configure(sinks: readonly string[]): void {
    for (const sink of sinks) {
      if (this.#sinks.has(sink)) continue;
      this.#sinks.set(sink, { recent: new Set(), older: new Set(), waiting: new Map() });
    }
    for (const [sink, { waiting }] of this.#sinks) {
      if (sinks.includes(sink)) continue;
      this.#sinks.delete(sink);
      for (const ticks of waiting.values()) for (const tick of [...ticks]) tick();
    }
  }

  /** Records that a sink has finally settled these ids: delivered, filtered, or given up. */
  settled(sink: string, ids: readonly string[]): void {
    const progress = this.#sinks.get(sink);
    if (progress === undefined) return;
    for (const id of ids) {
      if (progress.recent.size === REMEMBERED) {
        progress.older = progress.recent;
        progress.recent = new Set();
      }
      progress.recent.add(id);
      const ticks = progress.waiting.get(id);
      if (ticks === undefined) continue;
      progress.waiting.delete(id);
      for (const tick of ticks) tick();
    }
  }

  /**
   * Resolves once every sink has settled every id, or once `signal` aborts. Never rejects, and leaves nothing behind.
   */
  wait(ids: readonly string[], signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const open: { progress: Progress; id: string }[] = [];
      for (const progress of this.#sinks.values()) {
        for (const id of new Set(ids)) if (!isRecent(progress, id)) open.push({ progress, id });
      }
      if (open.length === 0 || signal.aborted || this.#isReleased) return resolve();

      let missing = open.length;
      const tick = (): void => {
        missing--;
        if (missing === 0) finish();
      };
      const finish = (): void => {
        signal.removeEventListener('abort', finish);
        this.#waiters.delete(finish);
        for (const { progress, id } of open) {
          const ticks = progress.waiting.get(id);
          ticks?.delete(tick);
          if (ticks?.size === 0) progress.waiting.delete(id);
        }
        resolve();
      };
      for (const { progress, id } of open) {
        const ticks = progress.waiting.get(id);
        if (ticks === undefined) progress.waiting.set(id, new Set([tick]));
        else ticks.add(tick);
      }
      this.#waiters.add(finish);
      signal.addEventListener('abort', finish, { once: true });
    });
  }

  /** Resolves all waits: nothing will be settled any more. */
  release(): void {
    this.#isReleased = true;
    for (const finish of [...this.#waiters]) finish();
  }

  /** The number of ids that are waited for, over all sinks. */
  get waiting(): number {
    let count = 0;
    for (const progress of this.#sinks.values()) count += progress.waiting.size;
    return count;
  }
}

function isRecent({ older, recent }: Progress, id: string): boolean {
  return recent.has(id) || older.has(id);
}
