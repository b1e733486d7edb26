/**
 * The port over which the processes that share a store tell each other what they have recorded for the inspector. What
 * passes over it may be lost: nothing but what people look at depends on it.
 */
export interface Exchange {
  /** The name of this process among the members. */
  readonly member: string;

  /** Whether another member wants to see what this one records, as far as this process knows. */
  readonly isWatched: boolean;

  /** Calls `listener` when `isWatched` has changed. Returns a function that unsubscribes. */
  onWatched(listener: () => void): () => void;

  /** Tells the others for a while that this process wants to see what they record. Call it every few seconds. */
  watch(): Promise<void>;

  /** Writes entries, in order. Do not call it while another call is in progress. */
  write(entries: readonly string[]): Promise<void>;

  /**
   * Returns what the other members have written since the last call, the entries of each member in order. Calls may not
   * overlap.
   */
  read(): Promise<ExchangePage>;
}

export interface ExchangePage {
  readonly entries: readonly string[];
  /** Whether there are more. */
  readonly isCut: boolean;
}

/** The bounds of what a store holds for the exchange. */
export interface ExchangeBounds {
  /** Entries; 0 for no exchange at all. */
  readonly max: number;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds. */
  readonly keep: number;
}
