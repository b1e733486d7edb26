import { randomUUID } from 'node:crypto';
import type { SourceConfig } from '../config/config.js';
import type { MultipartReader } from '../decode/multipart.js';
import { TrackbridgeError } from '../errors.js';
import { isObject, type JsonObject, type JsonValue } from '../event/event.js';
import { fromRudderstack } from '../event/from-rudderstack.js';
import type { Verification } from '../verify/combine.js';
import { below } from './route.js';
import { BODY_LIMIT, rudderstackDialect, TEXTS } from './rudderstack-answers.js';
import type { Decoded, Delivery, Dialect, Source } from './source.js';
import { decodeWebhook, parametersOf } from './webhook-body.js';
import { requestDetails } from './webhook-request.js';
import { createWriteKeys, keysInBasic } from './write-keys.js';

const METHODS = ['POST', 'GET'];

/**
 * RudderStack's webhook source: whatever anybody sends to `/v1/webhook` becomes the properties of one track event called
 * `webhook_source_event`. A GET does so too, with its query; RudderStack answers it the same and drops it.
 *
 * What is not an object goes under `body`, since properties are an object; RudderStack keeps an array as it is.
 */
export function createWebhookSource(
  name: string,
  config: SourceConfig,
  readMultipart: MultipartReader,
  uuid: () => string = randomUUID,
): Source {
  const keys = createWriteKeys(config.writeKeys ?? [], name);
  const posted = rudderstackDialect();
  const got: Dialect = { ...posted, taken: () => ({ status: 200, headers: {}, body: '' }) };

  const verify = (delivery: Delivery): Verification => {
    const key = keyOf(delivery);
    if (key === undefined) return { holds: false, reason: TEXTS.noQueryKey };
    if (keys.sourceOf(key) === undefined) return { holds: false, reason: TEXTS.unknownKey };
    return { holds: true, coverage: () => COVERED };
  };

  const toDecoded = (value: JsonValue, delivery: Delivery): Decoded => {
    const key = keyOf(delivery);
    const event: JsonObject = {
      type: 'track',
      event: 'webhook_source_event',
      properties: isObject(value) ? value : { body: value },
      anonymousId: uuid(),
      context: config.requestDetails === true ? requestDetails(delivery, config.path, key) : {},
      request_ip: delivery.remote,
    };
    const source = key === undefined ? undefined : keys.sourceOf(key);
    return {
      batch: false,
      events: [{ value: fromRudderstack(event, delivery), source: source ?? name }],
    };
  };

  return {
    name,
    names: keys.names,
    vendor: 'rudderstack',
    config,
    route: below(config.path, '//?v1/webhook/?'),
    methodsFor: () => METHODS,
    // Whoever sends webhooks retries 5xx; few do 408.
    lateBody: 'BUDGET_SPENT',
    checkBelow: () => undefined,
    dialectFor: (_below, method) => (method === 'GET' ? got : posted),
    verify,
    decode(delivery) {
      if (delivery.method === 'GET') return toDecoded(parametersOf(delivery.query), delivery);
      if (delivery.body.length > BODY_LIMIT) {
        throw new TrackbridgeError('BODY_TOO_LARGE', TEXTS.tooLarge);
      }
      const value = decodeWebhook(delivery, readMultipart);
      return value instanceof Promise
        ? value.then((late) => toDecoded(late, delivery))
        : toDecoded(value, delivery);
    },
  };
}

const COVERED = { authenticated: true, verifiedBy: 'write-key' };

/** The key of the query where there is one, also a wrong one; else the Basic user name. */
function keyOf(delivery: Delivery): Buffer | undefined {
  const inQuery = new URLSearchParams(delivery.query).get('writeKey') ?? '';
  return inQuery === '' ? keysInBasic(delivery)[0] : Buffer.from(inQuery, 'utf8');
}
