import type { SinkOptions } from '../../config/config.js';
import { toSegment } from '../../event/to-segment.js';
import { missingForSegment } from '../../event/vendor-requirements.js';
import { createHttpClient, hideable } from '../kit/http-client.js';
import { type Sink, type SinkContext, SinkError, type SinkType } from '../sink.js';
import { vendorFailure } from './answer.js';
import { basicAuthorization, urlBelow } from './endpoint.js';
import type { TokenSource } from './segment-oauth.js';
import { createTrackingApiSink, type Transport, type VendorApi } from './sink.js';

export type SegmentOptions = SinkOptions['segment'];

/** The limits in Segment's documentation of its HTTP tracking API: larger batches are answered 200 and dropped. */
const LIMITS = {
  bytes: 500_000,
  events: 2_500,
  event: { bytes: 32 * 1024, text: '32 kB per event' },
};

export const segmentSink: SinkType<'segment'> = {
  type: 'segment',
  create: (options, context) => createSegmentSink(options, context),
  maxBatch: () => LIMITS.events,
};

/** Sends events to Segment's tracking API. Throws CONFIG_INVALID for an invalid endpoint or private key. */
export async function createSegmentSink(
  options: SegmentOptions,
  context: SinkContext,
): Promise<Sink> {
  const { endpoint, oauth, writeKey } = options;
  const url = urlBelow(endpoint, '/v1/batch', 'endpoint');
  const api: VendorApi = {
    name: 'Segment',
    missing: missingForSegment,
    message: toSegment,
    limits: LIMITS,
    // With a token, the key in the body identifies the source; without one it is harmless.
    envelope: { writeKey },
  };
  let tokens: TokenSource | undefined;
  if (oauth !== undefined) {
    const { createTokenSource } = await import('./segment-oauth.js');
    tokens = createTokenSource(oauth, url, context);
  }
  return createTrackingApiSink(
    api,
    createSegmentTransport(url, writeKey, tokens, context),
    options,
    context,
  );
}

function createSegmentTransport(
  url: URL,
  writeKey: string,
  tokens: TokenSource | undefined,
  { clock, name }: SinkContext,
): Transport {
  const basic = basicAuthorization(writeKey);
  const secrets = hideable([writeKey, basic, basic.slice('Basic '.length)]);
  const client = createHttpClient(url, { allowPrivateAddresses: true, secrets, clock });
  const about = {
    who: 'Segment',
    credentials: `it does not accept the write key or token; check sinks.${name}`,
    place: `this is not Segment's tracking API; check sinks.${name}.endpoint`,
  };
  return {
    open() {
      client.open();
      tokens?.open();
    },

    async send(body, headers, signal) {
      const token = await tokens?.get(signal);
      const authorization = token === undefined ? basic : `Bearer ${token.text}`;
      const answer = await client.send(
        { method: 'POST', path: url.pathname, headers: { ...headers, authorization }, body },
        signal,
      );
      const excerpt =
        token === undefined ? answer.excerpt : answer.excerpt.replaceAll(token.text, '***');
      const failure = vendorFailure({ ...answer, excerpt }, about, clock.now());
      if (failure === undefined) return;
      const doubtful = token !== undefined && tokens?.refused(token, answer.status) === true;
      if (failure.retryable || !doubtful) throw failure;
      throw new SinkError(`${failure.message}; retrying with a new token`, { retryable: true });
    },

    /** Segment answers every write key alike, so a request would prove nothing. */
    async check() {
      await client.connect();
      if (tokens === undefined) return;
      tokens.open();
      await tokens.get(new AbortController().signal);
    },

    async close() {
      await client.close();
      await tokens?.close();
    },
  };
}
