import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server does with a request: keys to publish, or anything else an endpoint in trouble may do. */
export type Behaviour = { readonly keys: readonly object[] } | ((response: ServerResponse) => void);

/** A JWKS endpoint on a port of its own that can be told to misbehave, stopped, and started again on that port. */
export class JwksServer {
  behaviour: Behaviour = { keys: [] };
  requests = 0;
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/keys`;
  }

  async start(): Promise<void> {
    const server = createServer((_request, response) => {
      this.requests++;
      const { behaviour } = this;
      if (typeof behaviour === 'function') return behaviour(response);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(behaviour));
    });
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
