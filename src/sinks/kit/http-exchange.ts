import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { type Clock, WAIT_OVER } from '../../core/clock.js';

// Enough to keep the connection after any sensible answer. A server that sends more, or sends slowly, loses the
// connection.
const LONGEST_BODY = 64 * 1024;
const SLOWEST_BODY = 2_000;

/** What a server answered. */
export interface Exchanged {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The first 64 kB of the body as text. */
  readonly body: string;
}

/**
 * Sends one request and resolves to its answer, once the body has been read to its end so that the connection can be
 * reused. If a body is longer than 64 kB, breaks off or takes over two seconds, it is abandoned and the connection
 * closed: the status has already said all that matters. Rejects if there is no status, or `signal` aborts before.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    const reader = new AnswerReader(clock, (result) => {
      signal.removeEventListener('abort', abort);
      if (result instanceof Error) reject(result);
      else resolve(result);
    });
    const abort = (): void => reader.abandon(new Error('The request was aborted'));
    signal.addEventListener('abort', abort, { once: true });
    try {
      dispatcher.dispatch(request, reader);
    } catch (error) {
      reader.abandon(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/**
 * Reads one answer. undici's own `request` makes a stream of every body, which costs more than the rest of a short
 * exchange.
 */
class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #clock: Clock;
  readonly #settle: (result: Exchanged | Error) => void;
  readonly #chunks: Buffer[] = [];
  #timer: AbortController | undefined;
  #head: Pick<Exchanged, 'status' | 'headers'> | undefined;
  #length = 0;
  #isOver = false;
  #controller: Dispatcher.DispatchController | undefined;

  constructor(clock: Clock, settle: (result: Exchanged | Error) => void) {
    this.#clock = clock;
    this.#settle = settle;
  }

  /** Ends the exchange with what has arrived, and closes the connection. */
  abandon(reason: Error): void {
    this.#end(() => reason);
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('The request was aborted'));
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // A 1xx status precedes the answer.
    if (status < 200) return;
    this.#head = { status, headers };
    // A short body is complete before the microtask, and needs no timer.
    queueMicrotask(() => this.#limit());
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length > LONGEST_BODY) this.abandon(new Error('The body is too long'));
  }

  onResponseEnd(): void {
    this.#end(() => new Error('The answer has no status'));
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#end(() => error);
  }

  #limit(): void {
    if (this.#isOver) return;
    this.#timer = new AbortController();
    void this.#clock
      .sleep(SLOWEST_BODY, this.#timer.signal)
      .then(() => this.abandon(new Error('The body is too slow')));
  }

  #end(reason: () => Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.abort(WAIT_OVER);
    this.#settle(this.#head === undefined ? reason() : { ...this.#head, body: this.#body() });
  }

  #body(): string {
    const [only, ...more] = this.#chunks;
    if (only === undefined) return '';
    const bytes = more.length === 0 ? only : Buffer.concat(this.#chunks);
    return bytes.toString('utf8', 0, Math.min(bytes.length, LONGEST_BODY));
  }
}
