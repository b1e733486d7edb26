import { type Api, ApiProblem, messageOf } from './api.js';
import { createStreamReader, type StreamEvent } from './event-stream.js';

/** The state of the connection to the live stream. */
export type Connection =
  | { readonly phase: 'connecting' }
  | { readonly phase: 'live' }
  /** Reconnects by itself. */
  | { readonly phase: 'lost'; readonly why: string }
  /** Reconnects only after the token changes. */
  | { readonly phase: 'token'; readonly wasRefused: boolean };

export interface LiveHandlers {
  connection(connection: Connection): void;
  event(event: StreamEvent): void;
}

/** Milliseconds before each retry; the last value applies to all further ones. */
const PAUSES = [500, 1_000, 2_000, 4_000, 8_000];

/** The receiver sends something at least every 15 seconds; after this time the connection counts as lost. */
const SILENCE = 40_000;

/**
 * Reads the live stream and reconnects until `signal` aborts. EventSource cannot send a token. Resolves when a token is
 * required, or at the abort.
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
    let why = 'The receiver closed the connection.';
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
      throw new ApiProblem(0, 'The receiver has been silent for too long.');
    }
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    silence.abort();
  }
}

/** Ends early if the signal aborts or the browser is online again. */
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
