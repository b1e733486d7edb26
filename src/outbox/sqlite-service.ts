import { TrackbridgeError } from '../errors.js';
import type { RequestKind, Requests } from './sqlite-messages.js';
import { openDatabase } from './sqlite-open.js';
import { MIGRATIONS } from './sqlite-schema.js';
import { Store, type StoreTuning } from './sqlite-store.js';
import { packResults, unpackSteps } from './sqlite-wire.js';

type Handlers = {
  [Kind in RequestKind]: (request: Requests[Kind]['request']) => Requests[Kind]['reply'];
};

/** What the store's thread answers: one function a request. */
export class StoreService {
  readonly #warn: (message: string) => void;
  readonly #tuning: StoreTuning;
  #store: Store | undefined;

  /** `warn` is told, in one line, what is wrong though the store goes on. */
  constructor(warn: (message: string) => void, tuning: StoreTuning = {}) {
    this.#warn = warn;
    this.#tuning = tuning;
  }

  readonly handlers: Handlers = {
    open: ({ options, sinks }) => {
      const database = openDatabase(options.path, options.durability, MIGRATIONS, this.#warn);
      this.#store = new Store(database, options, sinks, { tuning: this.#tuning, warn: this.#warn });
      return { tail: this.#store.tail, id: this.#store.id };
    },
    commit: ({ now, steps: packed }) => {
      const steps = unpackSteps(packed);
      const { results, tail } = this.store.commit(steps, now);
      return { results: packResults(steps, results), tail };
    },
    scan: (request) => this.store.scanner.scan(request),
    stats: () => this.store.stats(),
    deadLetters: (filter) => this.store.shelves.deadLetters(filter),
    deadLetter: (id) => this.store.shelves.deadLetter(id),
    quarantine: (filter) => this.store.shelves.quarantine(filter),
    quarantined: (id) => this.store.shelves.quarantined(id),
    close: () => {
      this.store.close();
      this.#store = undefined;
      return null;
    },
  };

  /** The open store; public for tests that look behind it. */
  get store(): Store {
    if (this.#store === undefined) {
      throw new TrackbridgeError('OUTBOX_UNAVAILABLE', 'The outbox is not open');
    }
    return this.#store;
  }
}
