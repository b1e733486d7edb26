/** How long delivered events are kept, for a replay. */
export interface Retention {
  /** Milliseconds. */
  readonly age: number;
  /**
   * The size of the store in bytes above which the oldest delivered events are deleted earlier. If absent, there is no
   * such limit.
   */
  readonly size?: number;
}
