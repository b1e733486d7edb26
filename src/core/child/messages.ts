/** What a child process and its parent say to each other. */

/** What ran when something went wrong: the call, and which item of it. */
export interface Mark {
  readonly call: number;
  readonly item?: number;
}

export type ToChild =
  | readonly ['call', id: number, kind: string, request: unknown]
  | readonly ['note', note: unknown]
  | readonly ['ping', id: number];

export type FromChild =
  | readonly ['part', id: number, part: unknown]
  | readonly ['reply', id: number, reply: unknown]
  | readonly ['failed', id: number, message: string]
  | readonly ['note', note: unknown]
  | readonly ['pong', id: number]
  /** The child ends now, for something that this call began; null if no call did. */
  | readonly ['fatal', reason: string, mark: Mark | null];

/** The arguments of a child, as text: see `serve`. */
export interface ChildArguments {
  readonly parent: number;
  readonly residentMb: number;
}

/** Starts the line that the watchdog writes before it ends a child that takes too much memory. */
export const OUT_OF_MEMORY = 'trackbridge: ended beyond';
