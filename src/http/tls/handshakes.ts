import type { Socket } from 'node:net';
import { after } from '../../core/clock.js';

interface Handshake {
  readonly socket: Socket;
  /** Ends its time limit. */
  readonly stop: () => void;
}

/**
 * The connections of a listener whose TLS handshake is not complete. Node would wait two minutes for each, and reports
 * neither their end nor which of them a TLS socket came from, except by the addresses.
 */
export class Handshakes {
  readonly #open = new Map<string, Handshake>();
  readonly #budget: () => number;
  readonly #onLate: (socket: Socket) => void;

  /** `budget`: the milliseconds that a handshake may take. `onLate` is called with a connection that took longer. */
  constructor(budget: () => number, onLate: (socket: Socket) => void) {
    this.#budget = budget;
    this.#onLate = onLate;
  }

  /** Notes a new connection, before its first byte. */
  begin(socket: Socket): void {
    const name = nameOf(socket);
    const stop = after(this.#budget(), () => this.#onLate(socket));
    this.#open.set(name, { socket, stop });
    socket.once('close', () => {
      stop();
      // The client may have opened another connection from the same port.
      if (this.#open.get(name)?.socket === socket) this.#open.delete(name);
    });
  }

  /** Ends the time limit of a complete handshake. Returns the connection below `secured`. */
  end(secured: Socket): Socket | undefined {
    const name = nameOf(secured);
    const handshake = this.#open.get(name);
    this.#open.delete(name);
    handshake?.stop();
    return handshake?.socket;
  }

  /** Closes the connections whose handshake is not complete. */
  stop(): void {
    for (const { socket } of [...this.#open.values()]) socket.destroy();
  }
}

function nameOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
