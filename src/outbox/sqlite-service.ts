import { systemClock } from '../clock.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import { keepsConnection } from './sqlite-failure.js';
import type { RequestKind, Requests, StoreOptions } from './sqlite-messages.js';
import { openDatabase } from './sqlite-open.js';
import { Store } from './sqlite-store.js';

/** Between two tries to open a store that failed, milliseconds: opening may check the whole file. */
const REOPEN_PAUSE = 1_000;

type Handlers = {
  [Kind in RequestKind]: (request: Requests[Kind]['request']) => Requests[Kind]['reply'];
};

/** What the store's thread answers: one function a request. After an error of the disk it opens the store anew. */
export class StoreService {
  readonly handlers: Handlers = {
    open: ({ options, sinks }) => {
      this.#opening = { options, sinks };
      this.#store = this.#open();
      return { tail: this.#store.tail };
    },
    commit: ({ now, steps }) => this.#use((store) => store.commit(steps, now)),
    scan: (request) => this.#use((store) => store.scanner.scan(request)),
    stats: () => this.#use((store) => store.stats()),
    deadLetters: (filter) => this.#use((store) => store.shelves.deadLetters(filter)),
    deadLetter: (id) => this.#use((store) => store.shelves.deadLetter(id)),
    quarantine: (filter) => this.#use((store) => store.shelves.quarantine(filter)),
    quarantined: (id) => this.#use((store) => store.shelves.quarantined(id)),
    close: () => {
      this.#store?.close();
      this.#store = undefined;
      return null;
    },
  };

  #opening: { readonly options: StoreOptions; readonly sinks: readonly string[] } | undefined;
  #store: Store | undefined;
  #reopenAt = 0;
  #reopenError: unknown;

  /** The open store, for tests that look behind it. */
  get store(): Store | undefined {
    return this.#store;
  }

  #open(): Store {
    if (this.#opening === undefined)
      throw new TrackbridgeError('INTERNAL', 'The outbox is not open');
    const { options, sinks } = this.#opening;
    const database = openDatabase(options.path, options.durability);
    try {
      return new Store(database, options, sinks);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #use<Result>(work: (store: Store) => Result): Result {
    this.#store ??= this.#reopen();
    try {
      return work(this.#store);
    } catch (error) {
      if (!keepsConnection(error)) this.#drop(this.#store);
      throw error;
    }
  }

  /** For a sender a store that does not open again is one that cannot be written now, whatever the reason. */
  #reopen(): Store {
    const now = systemClock.monotonic();
    if (now < this.#reopenAt) throw this.#reopenError;
    try {
      return this.#open();
    } catch (error) {
      this.#reopenAt = now + REOPEN_PAUSE;
      this.#reopenError = new TrackbridgeError('OUTBOX_UNAVAILABLE', messageOf(error), {
        cause: error,
      });
      throw this.#reopenError;
    }
  }

  #drop(store: Store): void {
    this.#store = undefined;
    try {
      store.database.close();
    } catch {
      // It is given up either way; the error that led here is the one to report.
    }
  }
}
