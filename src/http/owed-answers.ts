import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The answers that each connection still owes, in the order of its requests, which is the order they go out in. What is
 * written to the socket itself must not overtake them: the sender of a good request would read a refusal as its own, and
 * drop an event that is stored already.
 */
export class OwedAnswers {
  readonly #owed = new Map<Socket, ServerResponse[]>();
  /** The request of a connection that was answered before all of it was there. */
  readonly #answeredEarly = new WeakMap<Socket, IncomingMessage>();

  /** Returns how many the connection owes now, with this one. */
  add(socket: Socket, response: ServerResponse): number {
    const owed = this.#owed.get(socket) ?? [];
    this.#owed.set(socket, owed);
    owed.push(response);
    response.once('close', () => {
      owed.splice(owed.indexOf(response), 1);
      if (!response.req.complete) this.#answeredEarly.set(socket, response.req);
    });
    return owed.length;
  }

  /** What all connections owe. */
  all(): readonly ServerResponse[] {
    return [...this.#owed.values()].flat();
  }

  /**
   * The connection is gone. Node closes only the answer whose turn it was: whoever waits for those behind it would wait,
   * and hold them, for ever.
   */
  abandon(socket: Socket): void {
    for (const response of [...(this.#owed.get(socket) ?? [])]) {
      if (response.socket === null) response.emit('close');
    }
    this.#owed.delete(socket);
  }

  /**
   * Ends the connection with `refusal`, which is about what came last on it, after the answers to what came before. Where
   * that last request has an answer of its own already, or half of one, it gets no second one.
   */
  endWith(socket: Socket, refusal: string): void {
    const owed = [...(this.#owed.get(socket) ?? [])];
    // What is broken is the rest of this request; else it is what came behind all of them.
    const broken = owed.at(-1)?.req.complete === false ? owed.pop() : undefined;
    const answered = this.#answeredEarly.get(socket)?.complete === false;
    const end = (): void => {
      if (broken?.headersSent) endBehind(broken, socket);
      else if (answered) socket.destroy();
      else socket.end(refusal, () => socket.destroy());
    };
    const before = owed.at(-1);
    if (before === undefined) end();
    else before.once('close', end);
  }
}

function endBehind(response: ServerResponse, socket: Socket): void {
  if (!response.writableEnded || response.destroyed) socket.destroy();
  else if (response.closed) socket.end(() => socket.destroy());
  else response.once('close', () => socket.end(() => socket.destroy()));
}
