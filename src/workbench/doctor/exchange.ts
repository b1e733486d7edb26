import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { type Clock, timeLimit } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';

/** One HTTP request to send. */
export interface Outgoing {
  readonly method: string;
  /** Appended to the text of the receiver's URL, including its query, as RudderStack does: `/a/b`, or nothing. */
  readonly suffix?: string;
  /** Appended to the path and query of the receiver's URL: `?a=b`, or nothing. */
  readonly query?: string;
  /** Name, value, name, value; names as written, possibly repeated. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** Milliseconds to wait in the middle of the body. */
  readonly pause?: number;
}

/** The answer, or `error` if the connection failed or timed out. */
export type Answer =
  | {
      readonly status: number;
      readonly location: string | undefined;
      readonly contentType: string;
      /** The header `Server`; empty if absent. */
      readonly server: string;
      /** The first 64 kB. */
      readonly body: string;
      /** Milliseconds from the first byte sent to the last byte read. */
      readonly took: number;
    }
  | { readonly error: string; readonly took: number; readonly timedOut: boolean };

/** The most bytes read of an answer, which may be endless. */
const MOST_READ = 64 * 1024;

/** Sends one request on its own connection and reads the answer, for at most `limit` ms. Never rejects. */
export async function exchange(
  url: URL,
  outgoing: Outgoing,
  limit: number,
  clock: Clock,
): Promise<Answer> {
  const startedAt = clock.monotonic();
  const signal = timeLimit(limit);
  try {
    const response = await send(url, outgoing, signal, clock);
    const body = await readSome(response);
    return {
      status: response.statusCode ?? 0,
      location: response.headers.location,
      contentType: response.headers['content-type'] ?? '',
      server: String(response.headers.server ?? ''),
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
  { method, suffix = '', query = '', headers, body, pause }: Outgoing,
  signal: AbortSignal,
  clock: Clock,
): Promise<IncomingMessage> {
  const joined = url.search !== '' && query !== '' ? query.replace('?', '&') : query;
  const request = url.protocol === 'https:' ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const sending = request(
      {
        protocol: url.protocol,
        // An IPv6 address has brackets in a URL, and none here.
        hostname: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port,
        path: `${url.pathname}${url.search}${suffix}${joined}`,
        method,
        // A list is sent unchanged, so it must contain what Node would add.
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
