import { Pool } from 'undici';
import { messageOf, TrackbridgeError } from '../errors.js';
import { createConnector, type Resolve } from './http-addresses.js';
import { failureOf, readBody } from './http-answer.js';
import {
  createRequestBuilder,
  type HttpOptions,
  type HttpRequest,
  secretsOf,
} from './http-request.js';
import { interrupted } from './interrupt.js';
import { printable } from './printable.js';
import {
  DELIVERED,
  type DeliveryResult,
  type Sink,
  type SinkContext,
  SinkError,
  type SinkEvent,
  type SinkType,
} from './sink.js';

// More than any sensible number of lanes; each lane has one request under way.
const MOST_CONNECTIONS = 256;
const LONGEST_REASON = 200;

export const httpSink: SinkType = {
  type: 'http',
  // The shape is what schemas/sinks/http.schema.json let through.
  create: (options, context) => createHttpSink(options as unknown as HttpOptions, context),
  maxBatch: (options) => (options['body'] === 'event' ? 1 : Number.POSITIVE_INFINITY),
};

/**
 * Sends events to a URL. `resolve` stands in for DNS in tests. Throws CONFIG_INVALID where the options contradict
 * themselves; what goes wrong later is a SinkError or a result, with neither headers nor secrets nor the URL's path.
 */
export function createHttpSink(
  options: HttpOptions,
  context: Pick<SinkContext, 'clock' | 'format'>,
  resolve?: Resolve,
): Sink {
  const url = parseUrl(options.url);
  const build = createRequestBuilder(options, url, context);
  const secrets = secretsOf(options, url);
  const connector = createConnector(options.allowPrivateAddresses, resolve);
  let pool: Pool | undefined;

  async function send(request: HttpRequest, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw interrupted(signal);
    if (!pool) throw new SinkError('the sink is not open', { retryable: true });
    let answer: Awaited<ReturnType<Pool['request']>>;
    try {
      answer = await pool.request({
        ...request,
        method: options.method,
        path: url.pathname + url.search,
        signal,
      });
    } catch (cause) {
      throw signal.aborted ? interrupted(signal) : unreachable(cause);
    }
    const excerpt = redacted(await readBody(answer.body, context.clock));
    const retryAfter = answer.headers['retry-after'];
    const failure = failureOf(
      answer.statusCode,
      typeof retryAfter === 'string' ? retryAfter : retryAfter?.[0],
      excerpt,
      context.clock.now(),
    );
    if (failure) throw failure;
  }

  function redacted(text: string): string {
    return secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  }

  function unreachable(cause: unknown): SinkError {
    if (cause instanceof SinkError) return cause;
    const why = printable(redacted(reasonOf(cause)), LONGEST_REASON);
    return new SinkError(`${url.origin} cannot be reached: ${why}`, { retryable: true, cause });
  }

  return {
    async open() {
      // The attempt's signal is the one timeout, so undici's own are off.
      pool ??= new Pool(url.origin, {
        connect: connector,
        connections: MOST_CONNECTIONS,
        pipelining: 1,
        headersTimeout: 0,
        bodyTimeout: 0,
      });
    },

    async deliver(batch, signal): Promise<readonly DeliveryResult[]> {
      if (options.body === 'event') return oneByOne(batch, (event) => send(build([event]), signal));
      await send(build(batch), signal);
      return batch.map(() => DELIVERED);
    },

    /** Connects, with TLS where the URL says so, and sends nothing. */
    async check() {
      const { protocol, hostname, port, host } = url;
      const literal = hostname.replace(/^\[|\]$/g, '');
      await new Promise<void>((resolve, reject) => {
        connector({ protocol, hostname: literal, port, host }, (error, socket) => {
          socket?.destroy();
          if (error) reject(unreachable(error));
          else resolve();
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

/** Stops at the first failure that may pass: what follows it may belong to the same user, and must not overtake it. */
async function oneByOne(
  batch: readonly SinkEvent[],
  send: (event: SinkEvent) => Promise<void>,
): Promise<readonly DeliveryResult[]> {
  const results: DeliveryResult[] = [];
  let stopped: DeliveryResult | undefined;
  for (const event of batch) {
    const result = stopped ?? (await attempt(send(event)));
    results.push(result);
    if (!result.ok && result.retryable) stopped = result;
  }
  return results;
}

async function attempt(sent: Promise<void>): Promise<DeliveryResult> {
  try {
    await sent;
    return DELIVERED;
  } catch (error) {
    if (!(error instanceof SinkError)) throw error;
    const { message, retryable, retryAfter, excerpt } = error;
    return {
      ok: false,
      retryable,
      error: message,
      ...(retryAfter !== undefined && { retryAfter }),
      ...(excerpt !== undefined && { excerpt }),
    };
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  // The text is left out: a URL can hold a password.
  throw new TrackbridgeError('CONFIG_INVALID', 'url: must be a complete http:// or https:// URL');
}

/** Node reports a host whose addresses all failed as one error with an empty message and the real ones inside. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return messageOf(error);
}
