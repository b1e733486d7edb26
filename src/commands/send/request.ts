import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { timeLimit } from '../../core/clock.js';
import type { HttpRequest } from '../../workbench/emulate/wire-request.js';

/** The length of an answer that is kept, as much as is shown. */
const LONGEST_ANSWER = 2_000;

export interface Answer {
  readonly status: number;
  /** The beginning of the body. */
  readonly text: string;
}

/** Connections to one receiver. */
export interface Connection {
  /** Sends one request. Rejects if there is no complete answer within `timeout` milliseconds. */
  send(request: HttpRequest, timeout: number): Promise<Answer>;
  close(): void;
}

/**
 * Opens connections that send requests exactly as given. undici would write `Host` and `Connection` first and drop
 * headers that it considers duplicates. Redirects are not followed, since a receiver must not answer with one.
 */
export function openConnection(): Connection {
  const agents = {
    http: new HttpAgent({ keepAlive: true }),
    https: new HttpsAgent({ keepAlive: true }),
  };
  return {
    send: (request, timeout) => exchange(request, timeout, agents),
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

function exchange(
  request: HttpRequest,
  timeout: number,
  agents: { readonly http: HttpAgent; readonly https: HttpsAgent },
): Promise<Answer> {
  const { hostname, port, protocol } = new URL(request.origin);
  const options: RequestOptions = {
    method: request.method,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    path: request.requestUri,
    setHost: false,
    signal: timeLimit(timeout),
  };
  return new Promise((resolve, reject) => {
    const outgoing =
      protocol === 'https:'
        ? httpsRequest({ ...options, agent: agents.https })
        : httpRequest({ ...options, agent: agents.http });
    // Go sends no Connection header, and Node would add one.
    outgoing.removeHeader('Connection');
    for (const [name, values] of linesByName(request)) outgoing.setHeader(name, values);
    outgoing.once('error', (error) => {
      reject(error.name === 'AbortError' ? new Error(`no answer within ${timeout} ms`) : error);
    });
    outgoing.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        if (text.length < LONGEST_ANSWER) text += chunk.slice(0, LONGEST_ANSWER - text.length);
      });
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.end(request.body.length === 0 ? undefined : request.body);
  });
}

/**
 * One entry per name, with its first spelling; a name with several values becomes several lines. Node writes Latin-1,
 * vendors UTF-8.
 */
function linesByName({ headers, valuesAreBytes }: HttpRequest): Iterable<[string, string[]]> {
  const lines = new Map<string, [string, string[]]>();
  for (const [name, value] of headers) {
    const bytes = valuesAreBytes ? value : Buffer.from(value).toString('latin1');
    const key = name.toLowerCase();
    const line = lines.get(key);
    if (line === undefined) lines.set(key, [name, [bytes]]);
    else line[1].push(bytes);
  }
  return lines.values();
}
