import type { StoreBackups } from './backup.js';
import type { Replays } from './replay/replays.js';

/** The store itself: it is opened for the configured sinks and holds their settings. */
export interface OutboxStore {
  /**
   * The name of the store. It is the same for every process that opens the store, now or later, and known once it is
   * open.
   */
  readonly id: string;

  /**
   * Opens or creates the store for these sinks. A sink that is new to the store starts with the next event, and one that
   * was configured before resumes where it stopped, unless its `start` says otherwise. Throws
   * OUTBOX_CORRUPT if the store is damaged, and START_FAILED if it cannot be used. Never replaces an old store with a
   * new one.
   */
  open(sinks: readonly SinkSettings[]): Promise<void>;

  /**
   * Makes exactly these sinks the configured ones of the open store, between two deliveries: each event goes either to
   * all of the sinks before or to all of the sinks after. As at a restart, a new sink starts with the next event, and a
   * sink that is left out keeps its position if the store keeps anything. Consumers of such a sink go on until they are
   * closed. Resolves to the sinks that an operator has paused. If it rejects, nothing has changed.
   */
  configure(sinks: readonly SinkSettings[]): Promise<readonly string[]>;

  /**
   * Stores, across restarts, whether an operator has paused a configured sink. The caller that runs the sink must claim
   * nothing for it meanwhile. Rejects with NOT_FOUND if the sink is not configured.
   */
  setPaused(sink: string, paused: boolean): Promise<void>;

  /**
   * Discards all pending events of a sink, including claimed ones; also for a known sink that is no longer configured.
   * Resolves to the number of events. Rejects with NOT_FOUND if the store does not know the sink.
   */
  purge(sink: string): Promise<number>;

  /** Replays of retained events. Absent if the engine retains none. */
  readonly replays?: Replays;

  /** Copies of the open store. Absent if it is not a file of this process. */
  readonly backups?: StoreBackups;

  /**
   * Finishes what is in progress and closes the store. Nothing that was acknowledged depends on it.
   *
   * Rejects with OUTBOX_UNAVAILABLE if the disk does not answer for two seconds. A system call that hangs then cannot
   * be interrupted, and the process does not end by itself before it returns. The caller must decide whether to kill
   * it.
   */
  close(): Promise<void>;
}

/** A configured sink, as far as the store needs to know it. */
export interface SinkSettings {
  readonly name: string;
  /** The maximum number of pending events of this sink. If absent or larger, the outbox's limit applies. */
  readonly maxPending?: number;
  /** Default: `refuse`. */
  readonly full?: FullPolicy;
  /** Where the sink begins if it is new or returns. If absent, a new sink begins with the next event, and one that was
   * configured before resumes where it stopped. */
  readonly start?: SinkStart;
  /**
   * What else members that deliver to the sink must agree on, by the name of the option. Only compared, so a hash
   * suffices.
   */
  readonly options?: Readonly<Record<string, string>>;
}

/** Where a sink begins. It applies once, when the sink is new to the store or was not configured before. */
export interface SinkStart {
  /** The option as configured. The store keeps it, and notices a change that has no effect. */
  readonly option: string;
  /** With the next event, with the oldest retained event, or with what arrived from this time on (milliseconds). */
  readonly from: 'next' | 'retained' | number;
}

/** What happens to a sink's backlog at its limit. */
export type FullPolicy =
  /** New deliveries are rejected, including those for other sinks. */
  | 'refuse'
  /** Its oldest pending events are discarded. */
  | 'drop-oldest'
  /** Its oldest pending events become dead letters. */
  | 'dead-letter';
