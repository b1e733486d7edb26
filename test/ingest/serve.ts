import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Koa from 'koa';
import { afterEach } from 'vitest';
import { createApp, createIngestRoutes } from '../../src/ingest/routes.js';
import type { Source } from '../../src/sources/source.js';
import { type Harness, harness } from './harness.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** Serves an application on a free port of this machine until the test ends. */
export async function listen(app: Koa): Promise<number> {
  const server = createServer(app.callback());
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

export interface Served extends Harness {
  readonly port: number;
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** The status of a POST with one valid event. */
  statusOf(path: string, method?: string): Promise<number>;
}

/** Serves sources as the receiver does, with a store and a clock that the test looks into. */
export async function serve(sources: readonly Source[], h: Harness = harness()): Promise<Served> {
  const port = await listen(createApp(createIngestRoutes(sources, h.deps), h.deps));
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, init);
  const statusOf = async (path: string, method = 'POST'): Promise<number> => {
    const body = method === 'GET' || method === 'HEAD' ? {} : { body: '{"type":"track"}' };
    return (await ask(path, { method, ...body })).status;
  };
  return { ...h, port, ask, statusOf };
}
