import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a small receiver answers a request whose body it has read. */
export type Behaviour = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void;

export interface BadReceiver {
  readonly url: URL;
  close(): Promise<void>;
}

/** A receiver on loopback that behaves as it is told. */
export async function startBadReceiver(behave: Behaviour): Promise<BadReceiver> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    behave(request, Buffer.concat(chunks), response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/hook`),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function answer(response: ServerResponse, status: number, text = ''): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(text);
}

/** Segment's rule for a body alone: what receivers do that know nothing of batches. */
export function isSigned(
  request: IncomingMessage,
  signed: string | Buffer,
  secret: string,
): boolean {
  const made = createHmac('sha1', secret).update(signed).digest('hex');
  return request.headers['x-signature'] === made;
}

/** JSON with sorted keys and ASCII escapes, as a framework that parsed the body might sign it. */
export function reserialized(body: Buffer): string {
  try {
    return JSON.stringify(JSON.parse(body.toString('utf8'))).replace(
      /[\u007f-\uffff]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  } catch {
    return '';
  }
}
