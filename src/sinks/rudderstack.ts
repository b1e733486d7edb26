import { toRudderstack } from '../event/to-rudderstack.js';
import { missingForRudderstack } from '../event/vendor-requirements.js';
import { createHttpClient, hideable } from './http-client.js';
import { createSuppression, type SuppressionOptions } from './rudderstack-suppression.js';
import type { Sink, SinkContext, SinkType } from './sink.js';
import { vendorFailure } from './tracking-api-answer.js';
import { basicAuthorization, urlBelow } from './tracking-api-endpoint.js';
import { createTrackingApiSink, type Dialect, type Transport } from './tracking-api-sink.js';

export interface RudderstackOptions {
  readonly writeKey: string;
  /** The data plane's base URL. */
  readonly endpoint: string;
  readonly gzip: boolean;
  /** What becomes of Segment's deletions; left out, they become dead letters. */
  readonly suppression?: SuppressionOptions;
}

/**
 * The gateway refuses bodies over 4,000 KiB, measured after decompression (rudder-server, gateway/response). RudderStack's
 * documentation also speaks of 32 kB an event, which its server does not hold anybody to: an event that it takes must not
 * be given up here.
 */
const LIMITS = {
  bytes: 4_000_000,
  events: Number.POSITIVE_INFINITY,
  event: { bytes: Number.POSITIVE_INFINITY, text: '4 MB a request' },
};

export const rudderstackSink: SinkType = {
  type: 'rudderstack',
  // The shape is what schemas/sinks/rudderstack.schema.json let through.
  create: (options, context) =>
    createRudderstackSink(options as unknown as RudderstackOptions, context),
};

/** Sends events to a RudderStack data plane. Throws CONFIG_INVALID for an endpoint that is none. */
export function createRudderstackSink(options: RudderstackOptions, context: SinkContext): Sink {
  const suppression = options.suppression && createSuppression(options.suppression, context);
  const dialect: Dialect = {
    vendor: 'RudderStack',
    missing: (event) =>
      event.type === 'delete'
        ? 'RudderStack has no delete events; set suppression to turn them into its suppression requests'
        : missingForRudderstack(event),
    message: toRudderstack,
    limits: LIMITS,
    envelope: {},
    separately: (event) =>
      event.type === 'delete' && suppression !== undefined
        ? (signal) => suppression.request(event, signal)
        : undefined,
  };
  const gateway = createGateway(options, context);
  const transport: Transport = {
    send: gateway.send,
    open() {
      gateway.open();
      suppression?.open();
    },
    async check() {
      await gateway.check();
      await suppression?.check();
    },
    async close() {
      await gateway.close();
      await suppression?.close();
    },
  };
  return createTrackingApiSink(dialect, transport, options, context);
}

function createGateway(
  { endpoint, writeKey }: RudderstackOptions,
  { clock, name }: SinkContext,
): Transport {
  const url = urlBelow(endpoint, '/v1/batch', 'endpoint');
  const authorization = basicAuthorization(writeKey);
  const secrets = hideable([writeKey, authorization, authorization.slice('Basic '.length)]);
  const client = createHttpClient(url, { allowPrivateAddresses: true, secrets, clock });
  const about = {
    who: 'RudderStack',
    credentials: `the write key is not known there; check sinks.${name}.writeKey`,
    place: `the source is disabled there, or this is no data plane; check sinks.${name}.endpoint`,
  };
  const post: Transport['send'] = async (body, own, signal) => {
    const headers = { ...own, authorization };
    const request = { method: 'POST', path: url.pathname, headers, body } as const;
    const failure = vendorFailure(await client.send(request, signal), about, clock.now());
    if (failure) throw failure;
  };
  return {
    open: () => client.open(),
    send: post,

    /** An empty batch: the gateway looks at the write key first, and refuses the batch with 400 when that is right. */
    async check() {
      client.open();
      const signal = new AbortController().signal;
      const sent = post('{"batch":[]}', { 'content-type': 'application/json' }, signal);
      await sent.catch((error: unknown) => {
        if (Object(error).retryable !== false) throw error;
      });
    },

    close: () => client.close(),
  };
}
