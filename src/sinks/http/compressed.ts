import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { HttpRequest } from './request.js';

const compress = promisify(gzip);

/** Returns the request with a compressed body. It is compressed outside the event loop's thread. */
export async function compressed({
  body,
  headers,
}: HttpRequest): Promise<{ readonly body: Buffer; readonly headers: HttpRequest['headers'] }> {
  return { body: await compress(body), headers: { ...headers, 'content-encoding': 'gzip' } };
}
