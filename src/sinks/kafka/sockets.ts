import type { Socket } from 'node:net';
import { isIP, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { ISocketFactoryArgs } from 'kafkajs';

const KEEP_ALIVE = 60_000;

/**
 * kafkajs's own way of connecting, with sockets that can be closed from here: kafkajs waits for a broker that hangs.
 */
export class Sockets {
  readonly #open = new Set<Socket>();
  #cut = false;

  open({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = ssl
      ? tlsConnect({ host, port, ...servername, ...ssl }, onConnect)
      : tcpConnect({ host, port }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE);
    // kafkajs listens to `end` and `error`. If a socket closed in another way, it would keep waiting for answers.
    socket.on('error', () => {});
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    if (this.#cut) this.#destroy(socket);
    return socket;
  }

  cut(): void {
    this.#cut = true;
    for (const socket of this.#open) this.#destroy(socket);
  }

  #destroy(socket: Socket): void {
    socket.destroy(Object.assign(new Error('closed by the sink'), { code: 'ECANCELED' }));
  }
}
