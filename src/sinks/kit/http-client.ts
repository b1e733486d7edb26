import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { Pool } from 'undici';
import type { Clock } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import { AddressRefused, createConnector, type Resolve } from '../../core/outbound/connector.js';
import { printable } from '../../core/printable.js';
import { SinkError } from '../sink.js';
import { type Exchanged, exchange } from './http-exchange.js';
import { interrupted } from './interrupt.js';

// More than any sensible number of lanes. Each lane has one request under way.
const MOST_CONNECTIONS = 256;
const LONGEST_REASON = 200;

export interface HttpClientOptions {
  readonly allowPrivateAddresses: boolean;
  /** Texts that no error shows, even if an answer repeats them; longest first. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  /** Replaces DNS in tests. */
  readonly resolve?: Resolve | undefined;
}

interface HttpClientRequest {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  /** In lower case. A `user-agent` is added if there is none. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The beginning of the body, unchanged. Show `excerpt` to others instead. */
  readonly body: string;
  readonly excerpt: string;
}

/** Sends requests to one origin over persistent connections. */
export interface HttpClient {
  /** Prepares the client. May be called again. */
  open(): void;
  /**
   * Sends one request and resolves to its answer, whatever its status. Redirects are not followed. Rejects with a
   * retryable SinkError if there is no answer.
   */
  send(request: HttpClientRequest, signal: AbortSignal): Promise<HttpAnswer>;
  /** Connects, with TLS if the URL says so, and sends nothing. Rejects with a SinkError. */
  connect(): Promise<void>;
  close(): Promise<void>;
}

/** Creates a client for the origin of `url`. Its errors contain neither headers nor secrets nor the URL's path. */
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
    const why = printable(redacted(messageOf(cause)), LONGEST_REASON);
    return new SinkError(`${url.origin} cannot be reached: ${why}`, { retryable: true, cause });
  }

  return {
    open() {
      // The attempt's signal is the only timeout, so undici's own are off.
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
      let answer: Exchanged;
      try {
        const headers = { 'user-agent': agent, ...request.headers };
        answer = await exchange(pool, { ...request, headers }, { clock, signal });
      } catch (cause) {
        throw signal.aborted ? interrupted(signal) : unreachable(cause);
      }
      return { ...answer, excerpt: redacted(answer.body) };
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

/** Returns the texts to hide in what an answer says, longest first. */
export function hideable(texts: readonly string[]): readonly string[] {
  // Shorter ones are words such as `1` or `on`; hiding them would make answers unreadable.
  return [...new Set(texts)]
    .filter(({ length }) => length >= 6)
    .sort((a, b) => b.length - a.length);
}

function userAgent(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return `Trackbridge/${String(JSON.parse(text).version)}`;
}
