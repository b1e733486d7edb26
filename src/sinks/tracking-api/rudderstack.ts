import type { SinkOptions } from '../../config/config.js';
import { toRudderstack } from '../../event/to-rudderstack.js';
import { missingForRudderstack } from '../../event/vendor-requirements.js';
import { createHttpClient, hideable } from '../kit/http-client.js';
import type { Sink, SinkContext, SinkType } from '../sink.js';
import { vendorFailure } from './answer.js';
import { basicAuthorization, urlBelow } from './endpoint.js';
import { createSuppression } from './rudderstack-suppression.js';
import { createTrackingApiSink, type Transport, type VendorApi } from './sink.js';

export type RudderstackOptions = SinkOptions['rudderstack'];

/**
 * The gateway rejects bodies over 4,000 KiB, measured after decompression (rudder-server, gateway/response).
 * RudderStack's documentation also mentions 32 kB per event, which its server does not enforce: an event that it
 * accepts must not be given up here.
 */
const LIMITS = {
  bytes: 4_000_000,
  events: Number.POSITIVE_INFINITY,
  event: { bytes: Number.POSITIVE_INFINITY, text: '4 MB per request' },
};

export const rudderstackSink: SinkType<'rudderstack'> = {
  type: 'rudderstack',
  create: (options, context) => createRudderstackSink(options, context),
};

/** Sends events to a RudderStack data plane. Throws CONFIG_INVALID for an invalid endpoint. */
export function createRudderstackSink(options: RudderstackOptions, context: SinkContext): Sink {
  const suppression = options.suppression && createSuppression(options.suppression, context);
  const api: VendorApi = {
    name: 'RudderStack',
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
  return createTrackingApiSink(api, transport, options, context);
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
    credentials: `the write key is unknown; check sinks.${name}.writeKey`,
    place: `the source is disabled, or the endpoint is not a data plane; check sinks.${name}.endpoint`,
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

    /**
     * Sends an empty batch: the gateway checks the write key first, and rejects the batch with 400 if the key is valid.
     */
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
