import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface RecordingSocket {
  readonly url: string;
  /** Everything that came in so far, a byte a character. */
  bytes(): string;
  close(): void;
}

/** Records what arrives, and answers one request after the other with these statuses, then with 200. */
export async function recordingSocket(statuses: number[] = []): Promise<RecordingSocket> {
  let bytes = '';
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let unanswered = '';
    socket.setEncoding('latin1').on('data', (text) => {
      bytes += text;
      unanswered += text;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(unanswered)?.[1] ?? 0);
      const head = unanswered.indexOf('\r\n\r\n');
      if (head === -1 || unanswered.length < head + 4 + length) return;
      unanswered = '';
      socket.write(`HTTP/1.1 ${statuses.shift() ?? 200} Said\r\ncontent-length: 0\r\n\r\n`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    bytes: () => bytes,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
