import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { Pool } from 'undici';
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import { AddressRefused, createConnector, type Resolve } from '../outbound/connector.js';
import { readBody } from './http-answer.js';
import { interrupted } from './interrupt.js';
import { printable } from './printable.js';
import { SinkError } from './sink.js';

// More than any sensible number of lanes; each lane has one request under way.
const MOST_CONNECTIONS = 256;
const LONGEST_REASON = 200;

export interface HttpClientOptions {
  readonly allowPrivateAddresses: boolean;
  /** Texts that no error shows, though an answer may repeat them; longest first. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  /** Stands in for DNS in tests. */
  readonly resolve?: Resolve | undefined;
}

interface HttpClientRequest {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  /** In lower case. `user-agent` is ours where there is none. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The beginning of the body, as it came: what others may see of it is `excerpt`. */
  readonly body: string;
  readonly excerpt: string;
}

/** Requests to one origin, over connections that are kept. */
export interface HttpClient {
  /** Makes ready; may be called again. */
  open(): void;
  /**
   * Sends one request and resolves to its answer, whatever its status; redirects are not followed. Rejects with a
   * retryable SinkError where there is no answer.
   */
  send(request: HttpClientRequest, signal: AbortSignal): Promise<HttpAnswer>;
  /** Connects, with TLS where the URL says so, and sends nothing. Rejects with a SinkError. */
  connect(): Promise<void>;
  close(): Promise<void>;
}

/** A client for the origin of `url`. Its errors have neither headers nor secrets nor the URL's path. */
export function createHttpClient(url: URL, options: HttpClientOptions): HttpClient {
  const { allowPrivateAddresses, clock, resolve, secrets } = options;
  const connector = createConnector(allowPrivateAddresses, resolve);
  const agent = userAgent();
  let pool: Pool | undefined;

  function redacted(text: string): string {
    return secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  }

  function unreachable(cause: unknown): SinkError {
    if (cause instanceof SinkError) return cause;
    if (cause instanceof AddressRefused) {
      return new SinkError(cause.message, { retryable: true, cause });
    }
    const why = printable(redacted(reasonOf(cause)), LONGEST_REASON);
    return new SinkError(`${url.origin} cannot be reached: ${why}`, { retryable: true, cause });
  }

  return {
    open() {
      // The attempt's signal is the one timeout, so undici's own are off.
      pool ??= new Pool(url.origin, {
        connect: connector,
        connections: MOST_CONNECTIONS,
        pipelining: 1,
        headersTimeout: 0,
        bodyTimeout: 0,
      });
    },

    async send(request, signal) {
      if (signal.aborted) throw interrupted(signal);
      if (!pool) throw new SinkError('the sink is not open', { retryable: true });
      let answer: Awaited<ReturnType<Pool['request']>>;
      try {
        const headers = { 'user-agent': agent, ...request.headers };
        answer = await pool.request({ ...request, headers, signal });
      } catch (cause) {
        throw signal.aborted ? interrupted(signal) : unreachable(cause);
      }
      const body = await readBody(answer.body, clock);
      const { headers, statusCode: status } = answer;
      return { status, headers, body, excerpt: redacted(body) };
    },

    async connect() {
      const { protocol, hostname, port, host } = url;
      const literal = hostname.replace(/^\[|\]$/g, '');
      await new Promise<void>((connected, reject) => {
        connector({ protocol, hostname: literal, port, host }, (error, socket) => {
          socket?.destroy();
          if (error) reject(unreachable(error));
          else connected();
        });
      });
    },

    async close() {
      const open = pool;
      pool = undefined;
      await open?.destroy();
    },
  };
}

/** Of these texts the ones to hide in what an answer says, longest first. */
export function hideable(texts: readonly string[]): readonly string[] {
  // Shorter ones are words such as `1` or `on`, and hiding them would make answers unreadable.
  return [...new Set(texts)]
    .filter(({ length }) => length >= 6)
    .sort((a, b) => b.length - a.length);
}

/** Node reports a host whose addresses all failed as one error with an empty message and the real ones inside. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return messageOf(error);
}

function userAgent(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return `Trackbridge/${String(JSON.parse(text).version)}`;
}
