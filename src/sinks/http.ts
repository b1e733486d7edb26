import { TrackbridgeError } from '../errors.js';
import type { Resolve } from '../outbound/connector.js';
import { failureOf } from './http-answer.js';
import { createHttpClient } from './http-client.js';
import {
  createRequestBuilder,
  type HttpOptions,
  type HttpRequest,
  secretsOf,
} from './http-request.js';
import {
  DELIVERED,
  type DeliveryResult,
  type Sink,
  type SinkContext,
  SinkError,
  type SinkEvent,
  type SinkType,
} from './sink.js';

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
  const { allowPrivateAddresses } = options;
  const { clock } = context;
  const client = createHttpClient(url, { allowPrivateAddresses, secrets, clock, resolve });

  async function send(request: HttpRequest, signal: AbortSignal): Promise<void> {
    const path = url.pathname + url.search;
    const answer = await client.send({ ...request, method: options.method, path }, signal);
    const failure = failureOf(answer.status, answer.headers, answer.excerpt, clock.now());
    if (failure) throw failure;
  }

  return {
    open: async () => client.open(),

    async deliver(batch, signal): Promise<readonly DeliveryResult[]> {
      if (options.body === 'event') return oneByOne(batch, (event) => send(build([event]), signal));
      await send(build(batch), signal);
      return batch.map(() => DELIVERED);
    },

    check: () => client.connect(),

    close: () => client.close(),
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
