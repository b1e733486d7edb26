/** The port through which an operator delivers retained events to one sink, again or for the first time. */
export interface Replays {
  /**
   * Begins a replay of what is retained now. It lasts across restarts. Rejects with NOT_FOUND if the sink is not
   * configured, and with OVERLOADED while another replay for it is unfinished.
   */
  begin(sink: string, filter: ReplayFilter): Promise<Replay>;

  /** Returns the last replay of each sink. */
  list(): Promise<readonly Replay[]>;

  /**
   * Continues a replay: looks at the next retained events and requeues those that match, as many as the sink may have
   * pending. `window` is the maximum number of its requeued events that are pending at once. Resolves to undefined if
   * there is nothing to continue.
   */
  step(sink: string, window: number): Promise<Replay | undefined>;

  /** Pauses, continues or cancels an unfinished replay. Rejects with NOT_FOUND if there is none. */
  change(sink: string, act: ReplayAct): Promise<Replay>;

  /** Counts what a replay would deliver, in pages: `after` is the `next` of the page before. */
  count(sink: string, filter: ReplayFilter, after?: number): Promise<ReplayCount>;
}

export type ReplayAct = 'pause' | 'resume' | 'cancel';

/** An event is replayed if it matches all of these. */
export interface ReplayFilter {
  /** Received from this time on, in milliseconds since the epoch. */
  readonly since?: number;
  /** Received before this time. */
  readonly until?: number;
  readonly types?: readonly string[];
  /** Names of events, in which `*` matches any characters and `?` matches one. */
  readonly events?: readonly string[];
  /** `userId` or `anonymousId`. */
  readonly users?: readonly string[];
  readonly sources?: readonly string[];
}

export interface Replay {
  readonly sink: string;
  readonly filter: ReplayFilter;
  /** `done`: everything was requeued. Some of it may still be pending. */
  readonly state: 'running' | 'paused' | 'done' | 'canceled';
  /** The events that were requeued, and of these the ones that are still pending. */
  readonly requeued: number;
  readonly pending: number;
  /** Stored events that were looked at, and those that are left. */
  readonly looked: number;
  readonly left: number;
  /** Events that are damaged in the store. They are not replayed. */
  readonly garbled: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface ReplayCount {
  readonly events: number;
  readonly looked: number;
  readonly left: number;
  /** Absent if everything was looked at. */
  readonly next?: number;
}
