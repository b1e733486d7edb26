import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';

/** How far an answer's deadline may be off: contract and tests allow 100 ms over the budget. */
const LOOK_EVERY = 50;

interface Watched {
  /** Bytes that belong to requests already seen. */
  seen: number;
  /** When bytes of a request that has no head yet were first noticed. */
  since: number | undefined;
}

/**
 * Knows when the first byte of a request came in, which Node does not tell: its `request` event comes when the head is
 * whole, and a head may trickle. A listener on the socket's data would take the fast path away from Node's parser, so the
 * sockets' byte counts are looked at every 50 ms instead.
 */
export class FirstBytes {
  readonly #sockets = new Map<Socket, Watched>();
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(socket: Socket): void {
    this.#sockets.set(socket, { seen: 0, since: undefined });
    socket.once('close', () => this.#sockets.delete(socket));
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY).unref();
  }

  /** Monotonic milliseconds of the first byte of the request whose head has just been read. */
  of(socket: Socket): number {
    const now = this.#clock.monotonic();
    const watched = this.#sockets.get(socket);
    if (watched === undefined) return now;
    const since = watched.since ?? now;
    watched.since = undefined;
    watched.seen = Number.POSITIVE_INFINITY;
    return since;
  }

  /**
   * The request of this socket is answered: whatever comes now is the next one's. Say so again at the end of a body that
   * went on after its answer, or the next request, much later, would seem to have begun with it.
   */
  answered(socket: Socket): void {
    const watched = this.#sockets.get(socket);
    if (watched === undefined) return;
    watched.seen = socket.bytesRead;
    watched.since = undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    for (const [socket, watched] of this.#sockets) {
      if (watched.since === undefined && socket.bytesRead > watched.seen) {
        watched.since = this.#clock.monotonic();
      }
    }
  }
}
