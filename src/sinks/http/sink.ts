import type { Resolve } from '../../core/outbound/connector.js';
import { httpFailure } from '../kit/http-answer.js';
import { createHttpClient } from '../kit/http-client.js';
import { type BatchRequest, sendInOrder } from '../kit/in-order.js';
import { urlOption } from '../kit/url-option.js';
import {
  DELIVERED,
  type DeliveryResult,
  type Sink,
  type SinkContext,
  type SinkType,
} from '../sink.js';
import { compressed } from './compressed.js';
import { createRequestBuilder, type HttpOptions, type HttpRequest, secretsOf } from './request.js';
import { createStatusKind } from './statuses.js';

export const httpSink: SinkType<'http'> = {
  type: 'http',
  create: (options, context) => createHttpSink(options, context),
  maxBatch: (options) => (options.body === 'event' ? 1 : Number.POSITIVE_INFINITY),
};

/**
 * Sends events to a URL. `resolve` replaces DNS in tests. Throws CONFIG_INVALID if the options contradict each other.
 * Later failures are SinkErrors or results, which contain neither headers nor secrets nor the URL's path.
 */
export function createHttpSink(
  options: HttpOptions,
  context: Pick<SinkContext, 'clock' | 'format'>,
  resolve?: Resolve,
): Sink {
  const url = urlOption(options.url, 'url');
  const build = createRequestBuilder(options, url, context);
  const secrets = secretsOf(options, url);
  const { allowPrivateAddresses } = options;
  const { clock } = context;
  const path = url.pathname + url.search;
  const kindOf = createStatusKind(options);
  const compress = options.compression === 'gzip';
  const client = createHttpClient(url, { allowPrivateAddresses, secrets, clock, resolve });

  async function send(request: HttpRequest, signal: AbortSignal): Promise<void> {
    const { body, headers } = compress ? await compressed(request) : request;
    const answer = await client.send({ body, headers, method: options.method, path }, signal);
    const { excerpt, status } = answer;
    const failure = httpFailure(status, answer.headers, excerpt, clock.now(), kindOf(status));
    if (failure) throw failure;
  }

  return {
    open: async () => client.open(),

    async deliver(batch, signal, trace): Promise<readonly DeliveryResult[]> {
      if (options.body === 'event') {
        const results: DeliveryResult[] = [];
        const requests = batch.map((event, index): BatchRequest => {
          return { indices: [index], send: () => send(build([event], trace), signal) };
        });
        await sendInOrder(requests, results);
        return results;
      }
      await send(build(batch, trace), signal);
      return batch.map(() => DELIVERED);
    },

    check: () => client.connect(),

    close: () => client.close(),
  };
}
