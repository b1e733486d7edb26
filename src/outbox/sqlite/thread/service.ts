import { TrackbridgeError } from '../../../core/errors.js';
import { explainOpening, openDatabase } from '../file/open.js';
import { MIGRATIONS } from '../file/schema.js';
import { Store, type StoreTuning } from '../store/store.js';
import type { RequestKind, Requests } from './messages.js';
import { packResults, unpackSteps } from './wire.js';

type Handlers = {
  [Kind in RequestKind]: (request: Requests[Kind]['request']) => Requests[Kind]['reply'];
};

/** The requests that the store's thread answers: one function each. */
export class StoreService {
  readonly #warn: (message: string) => void;
  readonly #tuning: StoreTuning;
  #store: Store | undefined;

  /** `warn` is called with one line about a problem despite which the store continues. */
  constructor(warn: (message: string) => void, tuning: StoreTuning = {}) {
    this.#warn = warn;
    this.#tuning = tuning;
  }

  readonly handlers: Handlers = {
    open: ({ options, sinks, known }) => {
      const { path, durability } = options;
      const database = openDatabase(path, durability, MIGRATIONS, this.#warn, known);
      try {
        this.#store = new Store(database, options, sinks, {
          tuning: this.#tuning,
          warn: this.#warn,
        });
      } catch (error) {
        throw explainOpening(path, error);
      }
      return { tail: this.#store.tail, id: this.#store.id };
    },
    configure: (sinks) => this.store.configure(sinks),
    commit: ({ now, steps: packed }) => {
      const steps = unpackSteps(packed);
      const { results, ...committed } = this.store.commit(steps, now);
      return { results: packResults(steps, results), ...committed };
    },
    scan: (request) => this.store.scanner.scan(request),
    texts: (positions) => this.store.scanner.texts(positions),
    stats: () => this.store.stats(),
    replays: () => this.store.replays.list(),
    countReplay: ({ after, filter, sink }) => this.store.replays.count(sink, filter, after),
    deadLetters: (filter) => this.store.deadLetters.list(filter),
    deadLetter: (id) => this.store.deadLetters.get(id),
    quarantine: (filter) => this.store.quarantine.list(filter),
    quarantined: (id) => this.store.quarantine.get(id),
    beginBackup: () => {
      this.store.backup.begin();
      return null;
    },
    backupState: () => this.store.backup.state,
    takeBackup: () => this.store.backup.take(),
    discardBackup: () => {
      this.store.backup.discard();
      return null;
    },
    rescue: () => this.store.rescue(),
    close: () => {
      this.store.close();
      this.#store = undefined;
      return null;
    },
  };

  /** The open store. Public for tests that inspect it. */
  get store(): Store {
    if (this.#store === undefined) {
      throw new TrackbridgeError('OUTBOX_UNAVAILABLE', 'The outbox is not open');
    }
    return this.#store;
  }
}
