import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** As text, after `Content-Encoding: gzip` is undone. */
  readonly body: string;
}

/** A real HTTP server on a port of its own that behaves as told. */
export interface HttpTarget {
  readonly port: number;
  readonly received: Received[];
  /** How many connections were opened, and how many are open now. */
  connections(): { opened: number; open: number };
  /** What to do with a request after its body has come in; a plain 200 until told otherwise. */
  answer: (request: Received, response: ServerResponse) => void;
  close(): Promise<void>;
}

export const ok = (_: Received, response: ServerResponse): void => {
  response.end('ok');
};

export async function httpTarget(): Promise<HttpTarget> {
  const sockets = new Set<Socket>();
  let opened = 0;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const bytes = Buffer.concat(chunks);
      const plain = headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
      const received = { method, url, headers, body: plain.toString() };
      target.received.push(received);
      target.answer(received, response);
    });
  });
  server.on('connection', (socket) => {
    opened++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const target: HttpTarget = {
    port: (server.address() as AddressInfo).port,
    received: [],
    connections: () => ({ opened, open: sockets.size }),
    answer: ok,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return target;
}
