/** Requests to the process of a transform, and its replies. */

export interface LoadRequest {
  /** Absolute. */
  readonly path: string;
  /** The most milliseconds that a promise of the transform may take. */
  readonly timeout: number;
}

/** What is wrong with the module; null if it is loaded. */
export type LoadReply = string | null;

/** The JSON texts of events, to be transformed one after the other. */
export type RunRequest = readonly string[];

/** The text that an event became; several or none; or why it failed, with `late` if its promise took too long. */
export type Result = string | readonly string[] | { readonly error: string; readonly late?: true };

/**
 * Results of events from `from` on. null stands for a promise, whose result is sent separately. Once the transform was
 * called for all events, or has made more text than one message should hold, `ran` tells for how many events.
 */
export interface RunPart {
  readonly from: number;
  readonly results: readonly (Result | null)[];
  readonly ran?: number;
}
