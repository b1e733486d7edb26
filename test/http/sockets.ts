import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection that bytes are written to as they stand, and whose answer is read as it stands. */
export interface RawConnection {
  readonly socket: Socket;
  write(text: string): void;
  /** All that came back so far. */
  text(): string;
  /** Resolves once `part` has come back, or rejects when the connection is gone without it. */
  until(part: string): Promise<void>;
  /** Resolves to all that came back, once the other side is gone. */
  closed(): Promise<string>;
}

export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  // A connection that is cut may end with a reset: the end is what is looked at.
  socket.on('error', () => undefined);
  const end = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await once(socket, 'connect');
  return {
    socket,
    write: (bytes) => void socket.write(bytes, 'latin1'),
    text: () => text,
    until: (part) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (text.includes(part)) resolve();
        };
        socket.on('data', look);
        socket.once('close', () => reject(new Error(`closed after: ${text}`)));
        look();
      }),
    async closed() {
      await end;
      return text;
    },
  };
}
