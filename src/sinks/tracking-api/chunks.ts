/** The limits of one request to a tracking API. */
export interface RequestLimits {
  /** Bytes of the whole body, before it is compressed. */
  readonly bytes: number;
  readonly events: number;
}

/** A message as JSON text, with its length in bytes of UTF-8. */
export interface Sized {
  readonly json: string;
  readonly bytes: number;
}

/**
 * Splits messages into as few runs as their order allows. Each fits both limits together with an envelope of `envelope`
 * bytes around the messages and a comma between each two. A message that is too large by itself becomes its own run:
 * reject it before.
 */
export function chunk<T extends Sized>(
  messages: readonly T[],
  limits: RequestLimits,
  envelope: number,
): T[][] {
  const runs: T[][] = [];
  let run: T[] = [];
  let bytes = envelope;
  for (const message of messages) {
    const grown = bytes + message.bytes + (run.length > 0 ? 1 : 0);
    if (run.length > 0 && (grown > limits.bytes || run.length === limits.events)) {
      runs.push(run);
      run = [message];
      bytes = envelope + message.bytes;
    } else {
      run.push(message);
      bytes = grown;
    }
  }
  if (run.length > 0) runs.push(run);
  return runs;
}
