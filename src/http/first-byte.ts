import type { Socket } from 'node:net';
import { type Clock, every } from '../core/clock.js';

/**
 * Interval of the check, in milliseconds. A deadline may be off by as much; the contract allows 100 ms over the budget.
 */
const CHECK_EVERY = 50;

/**
 * Maximum bytes of all incomplete heads together. One connection may hold `server.queryLimit` bytes without ever
 * completing its head.
 */
const MOST_BYTES = 64 * 1024 * 1024;

interface Watched {
  /** Bytes of requests already seen. */
  seen: number;
  /** When bytes of a request without a complete head were first noticed. */
  since: number | undefined;
  /** Rejects the request in progress. */
  readonly reject: () => void;
}

/**
 * Records when the first byte of a request arrived. Node does not report it: its `request` event fires when the head is
 * complete, and a head may trickle in. A data listener on the socket would disable the fast path of Node's parser, so
 * the sockets' byte counts are checked every 50 ms instead. When incomplete heads together hold too many bytes, the
 * oldest are rejected.
 */
export class FirstBytes {
  readonly #sockets = new Map<Socket, Watched>();
  readonly #clock: Clock;
  readonly #mostBytes: number;
  #checkedAt = 0;
  #stop: (() => void) | undefined;

  constructor(clock: Clock, mostBytes = MOST_BYTES) {
    this.#clock = clock;
    this.#mostBytes = mostBytes;
  }

  /**
   * Watches a socket. `refuse` rejects its request and ends the connection if incomplete heads take too much memory.
   */
  watch(socket: Socket, reject: () => void): void {
    this.#sockets.set(socket, { seen: 0, since: undefined, reject: reject });
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#stop !== undefined) return;
    this.#checkedAt = this.#clock.monotonic();
    this.#stop = every(CHECK_EVERY, () => this.#check());
  }

  /** Monotonic milliseconds of the first byte of the request whose head has just been read. */
  of(socket: Socket): number {
    const now = this.#clock.monotonic();
    const watched = this.#sockets.get(socket);
    if (watched === undefined) return now;
    const since = watched.since ?? this.#earliest(now);
    watched.since = undefined;
    watched.seen = Number.POSITIVE_INFINITY;
    return since;
  }

  /** When the incomplete head of this socket began to arrive; now, if there is none. */
  incompleteSince(socket: Socket): number {
    const watched = this.#sockets.get(socket);
    if (watched === undefined) return this.#clock.monotonic();
    return watched.since ?? this.#noticed(socket, watched) ?? this.#clock.monotonic();
  }

  /**
   * Notes that the request of this socket is answered, so that further bytes belong to the next one. Call it again at
   * the end of a body that continued after its answer; otherwise the next request, much later, would seem to have begun
   * with that body.
   */
  answered(socket: Socket): void {
    const watched = this.#sockets.get(socket);
    if (watched === undefined) return;
    watched.seen = socket.bytesRead;
    watched.since = undefined;
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #check(): void {
    let bytes = 0;
    for (const [socket, watched] of this.#sockets) {
      watched.since ??= this.#noticed(socket, watched);
      if (watched.since !== undefined) bytes += socket.bytesRead - watched.seen;
    }
    this.#checkedAt = this.#clock.monotonic();
    if (bytes > this.#mostBytes) this.#rejectOldest(bytes - this.#mostBytes);
  }

  /** Rejects the oldest incomplete heads. An ordinary head is complete within milliseconds of its first byte. */
  #rejectOldest(surplus: number): void {
    const unfinished = [...this.#sockets]
      .filter(([, { since }]) => since !== undefined)
      .sort(([, left], [, right]) => (left.since ?? 0) - (right.since ?? 0));
    let freed = 0;
    for (const [socket, watched] of unfinished) {
      if (freed >= surplus) return;
      freed += socket.bytesRead - watched.seen;
      watched.since = undefined;
      watched.seen = Number.POSITIVE_INFINITY;
      watched.reject();
    }
  }

  /** When unnoticed bytes of a head arrived; undefined if there are none. */
  #noticed(socket: Socket, { seen }: Watched): number | undefined {
    return socket.bytesRead > seen ? this.#earliest(this.#clock.monotonic()) : undefined;
  }

  /**
   * The earliest time at which bytes read now can have arrived: now, or the last check if it was long ago because this
   * process was stopped or blocked. An answer may be early, never late.
   */
  #earliest(now: number): number {
    return now - this.#checkedAt > 2 * CHECK_EVERY ? this.#checkedAt : now;
  }
}
