import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';

/** A TCP relay to a port of this machine that a test can stall and cut, for servers that cannot be stopped. */
export interface Relay {
  readonly port: number;
  /** From now on nothing goes through, and nothing is closed either. */
  stall(): void;
  /** From now on what is sent arrives, and no answer comes back. */
  mute(): void;
  /** Cuts every connection, and from now on each new one. */
  cut(): void;
  /** Works again; what was stalled goes on. */
  mend(): void;
  close(): Promise<void>;
}

export async function startRelay(to: number): Promise<Relay> {
  let state: 'open' | 'stalled' | 'muted' | 'cut' = 'open';
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    if (state === 'stalled') socket.pause();
    return socket;
  };
  const server = createServer({ pauseOnConnect: true }, (client) => {
    if (state === 'cut') return client.destroy();
    const far = createConnection({ port: to, host: '127.0.0.1' });
    for (const [from, into] of [
      [client, far],
      [far, client],
    ] as const) {
      from.on('data', (chunk) => {
        if (state !== 'muted' || from === client) into.write(chunk);
      });
      from.once('close', () => into.destroy());
      keep(from);
    }
    if (state !== 'stalled') client.resume();
    return client;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    state = 'cut';
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    stall() {
      state = 'stalled';
      for (const socket of sockets) socket.pause();
    },
    mute() {
      state = 'muted';
    },
    cut,
    mend() {
      state = 'open';
      for (const socket of sockets) socket.resume();
    },
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
