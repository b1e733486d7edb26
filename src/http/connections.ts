import type { Socket } from 'node:net';

interface Connection {
  /** Requests whose head is complete, answered or not. */
  requests: number;
  unanswered: number;
  isAuthenticated: boolean;
}

/**
 * The open connections of a listener, up to a limit: each takes a file descriptor and memory, and anyone can open one.
 * When the limit is reached, the connection that has been idle, or without a complete head, for the longest is closed.
 * A connection that carried an authenticated delivery is closed only if no other is left, so unauthenticated
 * connections displace each other first.
 */
export class Connections {
  /** The maximum number of open connections. A lower one applies to the next connections. */
  most: number;
  readonly #open = new Map<Socket, Connection>();
  /** Connections that may be closed, the longest idle first. */
  readonly #idle = { unauthenticated: new Set<Socket>(), authenticated: new Set<Socket>() };

  constructor(most: number) {
    this.most = most;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Counts a new connection. Returns the connection to close for it, which is the new one itself if all others are
   * busy.
   */
  add(socket: Socket): Socket | undefined {
    const isFull = this.#open.size >= this.most;
    const [surplus = socket] = isFull
      ? [...first(this.#idle.unauthenticated), ...first(this.#idle.authenticated)]
      : [];
    this.#open.set(socket, { requests: 0, unanswered: 0, isAuthenticated: false });
    socket.once('close', () => this.leave(socket));
    this.#idle.unauthenticated.add(socket);
    if (!isFull) return undefined;
    this.#leaveIdle(surplus);
    return surplus;
  }

  /** Notes that a request began on the connection. */
  began(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.requests++;
    if (connection.unanswered++ === 0) this.#leaveIdle(socket);
  }

  /** The number of requests on the connection whose head was complete. */
  requestsOf(socket: Socket): number {
    return this.#open.get(socket)?.requests ?? 0;
  }

  /** Notes that a request on the connection was answered. */
  answered(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.unanswered--;
    if (connection.unanswered > 0) return;
    this.#idle[connection.isAuthenticated ? 'authenticated' : 'unauthenticated'].add(socket);
  }

  /** Notes that the connection carried an authenticated delivery. */
  trust(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection !== undefined) connection.isAuthenticated = true;
  }

  /** Stops counting a connection that is open, because another socket stands for it from now on. */
  leave(socket: Socket): void {
    this.#open.delete(socket);
    this.#leaveIdle(socket);
  }

  #leaveIdle(socket: Socket): void {
    this.#idle.unauthenticated.delete(socket);
    this.#idle.authenticated.delete(socket);
  }
}

function first<T>(set: ReadonlySet<T>): readonly T[] {
  for (const one of set) return [one];
  return [];
}
