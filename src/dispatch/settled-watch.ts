// A sink can settle an event before the request that brought it has come to ask. The ids of about a second's worth at
// the highest rate measured; asking for one that was dropped waits out its signal, which is what `queued` answers.
const REMEMBERED = 10_000;

interface Ledger {
  readonly recent: Set<string>;
  readonly waiting: Map<string, Set<() => void>>;
}

/** Tells who waits for an event once every sink has settled it. */
export class SettledWatch {
  readonly #ledgers = new Map<string, Ledger>();
  readonly #waiters = new Set<() => void>();

  constructor(sinks: readonly string[]) {
    for (const sink of sinks) this.#ledgers.set(sink, { recent: new Set(), waiting: new Map() });
  }

  /** A sink has settled these for good: delivered, not wanted, or given up. */
  settled(sink: string, ids: readonly string[]): void {
    const ledger = this.#ledgers.get(sink);
    if (ledger === undefined) return;
    for (const id of ids) {
      ledger.recent.add(id);
      const ticks = ledger.waiting.get(id);
      if (ticks === undefined) continue;
      ledger.waiting.delete(id);
      for (const tick of ticks) tick();
    }
    for (const id of ledger.recent) {
      if (ledger.recent.size <= REMEMBERED) break;
      ledger.recent.delete(id);
    }
  }

  /** Resolves once every sink has settled every id, or once `signal` aborts; never rejects, and leaves nothing behind. */
  wait(ids: readonly string[], signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const open: { ledger: Ledger; id: string }[] = [];
      for (const ledger of this.#ledgers.values()) {
        for (const id of new Set(ids)) if (!ledger.recent.has(id)) open.push({ ledger, id });
      }
      if (open.length === 0 || signal.aborted) return resolve();

      let missing = open.length;
      const tick = (): void => {
        missing--;
        if (missing === 0) finish();
      };
      const finish = (): void => {
        signal.removeEventListener('abort', finish);
        this.#waiters.delete(finish);
        for (const { ledger, id } of open) {
          const ticks = ledger.waiting.get(id);
          ticks?.delete(tick);
          if (ticks?.size === 0) ledger.waiting.delete(id);
        }
        resolve();
      };
      for (const { ledger, id } of open) {
        const ticks = ledger.waiting.get(id);
        if (ticks === undefined) ledger.waiting.set(id, new Set([tick]));
        else ticks.add(tick);
      }
      this.#waiters.add(finish);
      signal.addEventListener('abort', finish, { once: true });
    });
  }

  /** Lets everybody go who still waits: nothing will be settled any more. */
  release(): void {
    for (const finish of [...this.#waiters]) finish();
  }

  /** How many ids are waited for, over all sinks. */
  get waiting(): number {
    let count = 0;
    for (const ledger of this.#ledgers.values()) count += ledger.waiting.size;
    return count;
  }
}
