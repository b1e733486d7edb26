import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A destination of `http` sinks that keeps which events came to which path, in order. */
export interface Collector {
  readonly url: string;
  /** The messageIds that came to a path, in order. */
  at(path: string): readonly string[];
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const came = new Map<string, string[]>();
  const server: Server = createServer((request, response) => {
    void bodyOf(request).then((text) => {
      const events = [JSON.parse(text)].flat() as { messageId: string }[];
      const path = request.url?.split('?')[0] ?? '';
      const known = came.get(path) ?? [];
      known.push(...events.map(({ messageId }) => messageId));
      came.set(path, known);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    at: (path) => came.get(path) ?? [],
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
