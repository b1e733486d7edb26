import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import Koa, { type Context } from 'koa';

const app = new Koa();

export interface RequestParts {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** All of the body, framed by Content-Length; left out, the body is still to come: see `push`. */
  readonly body?: Buffer | string;
}

/** A request as Node's parser hands it over, without a connection. Push what the body is made of, then null. */
export function requestOf(parts: RequestParts = {}): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.method = parts.method ?? 'POST';
  request.url = parts.url ?? '/in';
  if (parts.body !== undefined) {
    const body = Buffer.from(parts.body);
    request.headers['content-length'] = String(body.length);
    request.push(body);
    request.push(null);
    request.complete = true;
  }
  for (const [name, value] of Object.entries(parts.headers ?? {})) {
    request.headers[name] = value;
    request.rawHeaders.push(name, value);
  }
  return request;
}

/** Koa's context around such a request. */
export function contextOf(parts: RequestParts = {}): Context {
  const request = requestOf(parts);
  return app.createContext(request, new ServerResponse(request)) as Context;
}

/** The error that `run` throws or rejects with. */
export async function errorOf(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}
