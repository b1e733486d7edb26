import { type Api, ApiProblem, messageOf } from './api.js';
import { createStreamReader, type StreamEvent } from './event-stream.js';

/** How the connection to the live stream is. */
export type Connection =
  | { readonly phase: 'connecting' }
  | { readonly phase: 'live' }
  /** Tried again by itself. */
  | { readonly phase: 'lost'; readonly why: string }
  /** Not tried again before there is another token. */
  | { readonly phase: 'token'; readonly wasRefused: boolean };

export interface LiveHandlers {
  connection(connection: Connection): void;
  event(event: StreamEvent): void;
}

/** Milliseconds before the next try, by how many have failed in a row; the last one holds for all further ones. */
const PAUSES = [500, 1_000, 2_000, 4_000, 8_000];

/** The stream says something at least every 15 seconds; after this long without a word it counts as lost. */
const SILENCE = 40_000;

/**
 * Reads the live stream until `signal` aborts, over and over: EventSource could not send the token. Resolves where a
 * token is needed, or at the abort.
 */
export async function follow(
  api: Api,
  path: string,
  handlers: LiveHandlers,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  handlers.connection({ phase: 'connecting' });
  while (!signal.aborted) {
    let why = 'The receiver ended the connection.';
    try {
      await readOnce(api, path, signal, (event) => {
        failures = 0;
        handlers.event(event);
      });
    } catch (error) {
      if (signal.aborted || (error instanceof ApiProblem && error.status === 401)) return;
      why =
        error instanceof ApiProblem ? error.message : `The connection broke: ${messageOf(error)}`;
    }
    if (signal.aborted) return;
    handlers.connection({ phase: 'lost', why });
    await pause(PAUSES[Math.min(failures, PAUSES.length - 1)] ?? 0, signal);
    failures++;
  }
}

async function readOnce(
  api: Api,
  path: string,
  signal: AbortSignal,
  onEvent: (event: StreamEvent) => void,
): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE);
  const stop = (): void => silence.abort();
  signal.addEventListener('abort', stop);
  try {
    const answer = await api.open(path, silence.signal);
    if (answer.body === null) return;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const read = createStreamReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE);
      for (const event of read(value)) onEvent(event);
    }
  } catch (error) {
    if (!signal.aborted && silence.signal.aborted) {
      throw new ApiProblem(0, 'The receiver has said nothing for a while.');
    }
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    silence.abort();
  }
}

/** Ends early where the signal aborts, or the browser says that it is online again. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      removeEventListener('online', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    addEventListener('online', end);
  });
}
