import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The unfinished answers of each connection, in the order of its requests, which is the order they are sent in. An
 * answer written directly to the socket must not overtake them. Otherwise the sender of a valid request would read the
 * rejection as its own, and drop an event that is already stored.
 */
export class UnfinishedAnswers {
  readonly #unfinished = new Map<Socket, ServerResponse[]>();
  /** The request of a connection that was answered before it had arrived completely. */
  readonly #answeredEarly = new WeakMap<Socket, IncomingMessage>();

  /** Returns the number of the connection's unfinished answers, including this one. */
  add(socket: Socket, response: ServerResponse): number {
    const unfinished = this.#unfinished.get(socket);
    if (unfinished !== undefined) return unfinished.push(response);
    this.#unfinished.set(socket, [response]);
    return 1;
  }

  /** Notes that an answer has closed. */
  closed(socket: Socket, response: ServerResponse): void {
    const unfinished = this.#unfinished.get(socket);
    // An abandoned connection has none.
    if (unfinished !== undefined) unfinished.splice(unfinished.indexOf(response), 1);
    if (!response.req.complete) this.#answeredEarly.set(socket, response.req);
  }

  /** The last of the connection's unfinished answers. */
  last(socket: Socket): ServerResponse | undefined {
    return this.#unfinished.get(socket)?.at(-1);
  }

  /** The unfinished answers of all connections. */
  all(): readonly ServerResponse[] {
    return [...this.#unfinished.values()].flat();
  }

  /**
   * Closes the answers of a lost connection. Node closes only the answer whose turn it was; anything that waits for the
   * others would wait, and keep them in memory, forever.
   */
  abandon(socket: Socket): void {
    for (const response of [...(this.#unfinished.get(socket) ?? [])]) {
      if (response.socket === null) response.emit('close');
    }
    this.#unfinished.delete(socket);
  }

  /**
   * Ends the connection with `refusal`, which answers its last request, after the answers to earlier requests. If the
   * last request already has an answer, or part of one, it gets no second one.
   */
  endWith(socket: Socket, refusal: string): void {
    const unfinished = [...(this.#unfinished.get(socket) ?? [])];
    // If the last known request is incomplete, its rest is the faulty part. Otherwise the fault came after all known
    // requests.
    const broken = unfinished.at(-1)?.req.complete === false ? unfinished.pop() : undefined;
    const answered = this.#answeredEarly.get(socket)?.complete === false;
    const end = (): void => {
      if (broken?.headersSent) endBehind(broken, socket);
      else if (answered) socket.destroy();
      else socket.end(refusal, () => socket.destroy());
    };
    const before = unfinished.at(-1);
    if (before === undefined) end();
    else before.once('close', end);
  }
}

function endBehind(response: ServerResponse, socket: Socket): void {
  if (!response.writableEnded || response.destroyed) socket.destroy();
  else if (response.closed) socket.end(() => socket.destroy());
  else response.once('close', () => socket.end(() => socket.destroy()));
}
