import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';

/** One request, as it goes over the wire. */
export interface Outgoing {
  readonly method: string;
  /** Appended to the path and query of the receiver's URL: `?a=b`, or nothing. */
  readonly query?: string;
  /** Name, value, name, value; names as written, also twice. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** Waits this many milliseconds in the middle of the body. */
  readonly pause?: number;
}

/** What came back; `error` in place of an answer, where the connection failed or time was up. */
export type Answer =
  | {
      readonly status: number;
      readonly location: string | undefined;
      readonly contentType: string;
      /** The first 64 kB. */
      readonly body: string;
      /** Milliseconds from the first byte sent to the last one read. */
      readonly took: number;
    }
  | { readonly error: string; readonly took: number; readonly timedOut: boolean };

/** Of an answer no more is read: whoever it is, it may not end. */
const MOST_READ = 64 * 1024;

/** Sends one request on a connection of its own and reads the answer, for at most `limit` ms. Never rejects. */
export async function exchange(
  url: URL,
  outgoing: Outgoing,
  limit: number,
  clock: Clock,
): Promise<Answer> {
  const startedAt = clock.monotonic();
  const signal = AbortSignal.timeout(limit);
  try {
    const response = await send(url, outgoing, signal, clock);
    const body = await readSome(response);
    return {
      status: response.statusCode ?? 0,
      location: response.headers.location,
      contentType: response.headers['content-type'] ?? '',
      body,
      took: clock.monotonic() - startedAt,
    };
  } catch (error) {
    const timedOut = signal.aborted;
    const said = timedOut ? `no answer within ${limit / 1000} s` : messageOf(error);
    return { error: said, took: clock.monotonic() - startedAt, timedOut };
  }
}

function send(
  url: URL,
  { method, query = '', headers, body, pause }: Outgoing,
  signal: AbortSignal,
  clock: Clock,
): Promise<IncomingMessage> {
  const joined = url.search !== '' && query !== '' ? query.replace('?', '&') : query;
  const request = url.protocol === 'https:' ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const sending = request(
      {
        protocol: url.protocol,
        // An IPv6 address stands in brackets in a URL, and without them here.
        hostname: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port,
        path: `${url.pathname}${url.search}${joined}`,
        method,
        // A list is sent as it is, so what Node would add has to be in it.
        headers: [...headers, 'Host', url.host, 'Connection', 'close', ...lengthOf(method, body)],
        agent: false,
        signal,
      },
      resolve,
    );
    sending.on('error', reject);
    if (pause === undefined) {
      sending.end(body);
      return;
    }
    const half = Math.floor(body.length / 2);
    sending.write(body.subarray(0, half));
    void clock.sleep(pause, signal).then(() => sending.end(body.subarray(half)));
  });
}

function lengthOf(method: string, body: Buffer): string[] {
  const isBare = body.length === 0 && (method === 'GET' || method === 'DELETE');
  return isBare ? [] : ['Content-Length', String(body.length)];
}

async function readSome(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= MOST_READ) break;
  }
  return Buffer.concat(chunks).toString('utf8').slice(0, MOST_READ);
}
