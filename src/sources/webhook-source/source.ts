import { randomUUID } from 'node:crypto';
import type { WebhookSourceConfig } from '../../config/config.js';
import { TrackbridgeError } from '../../core/errors.js';
import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import { fromRudderstack } from '../../event/from-rudderstack.js';
import type { Verification } from '../../verify/combine.js';
import type { SignedHead } from '../../verify/verifier.js';
import { BODY_LIMIT, rudderstackAnswers, TEXTS } from '../gateway-answers.js';
import { subpath } from '../route.js';
import type { Answers, Decoded, Delivery, Source } from '../source.js';
import { createWriteKeys, keysInBasic, keysInQuery } from '../write-keys.js';
import { decodeWebhook, parametersOf } from './body.js';
import { requestDetails } from './request.js';

const METHODS = ['POST', 'GET'];

/**
 * RudderStack's webhook source: any request to `/v1/webhook` becomes one track event called `webhook_source_event`,
 * with the body as its properties. A GET becomes one with its query as properties; RudderStack gives the same answer
 * but drops it.
 *
 * A body that is not an object becomes the property `body`, because properties must be an object. RudderStack keeps an
 * array as it is.
 */
export function createWebhookSource(
  name: string,
  config: WebhookSourceConfig,
  uuid: () => string = randomUUID,
): Source {
  const keys = createWriteKeys(config.writeKeys ?? [], name);
  const posted = rudderstackAnswers();
  const got: Answers = { ...posted, accepted: () => ({ status: 200, headers: {}, body: '' }) };

  const refusedByHead = (head: SignedHead): string | undefined => {
    const key = keyOf(head);
    if (key === undefined) return TEXTS.noQueryKey;
    return keys.sourceOf(key) === undefined ? TEXTS.unknownKey : undefined;
  };

  const verify = (delivery: Delivery): Verification => {
    const reason = refusedByHead(delivery);
    return reason === undefined ? KEYED : { passed: false, reason };
  };

  const toDecoded = (value: JsonValue, delivery: Delivery): Decoded => {
    const key = keyOf(delivery);
    const event: JsonObject = {
      type: 'track',
      event: 'webhook_source_event',
      properties: isObject(value) ? value : { body: value },
      anonymousId: uuid(),
      context: config.requestDetails === true ? requestDetails(delivery, config.path, key) : {},
      ...(delivery.remote === '' ? {} : { request_ip: delivery.remote }),
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
    route: subpath(config.path, '/+v1/webhook/*'),
    methodsFor: () => METHODS,
    // Webhook senders retry 5xx; few retry 408.
    lateBody: 'BUDGET_SPENT',
    checkSubpath: () => undefined,
    answersFor: (_subpath, method) => (method === 'GET' ? got : posted),
    rejectedByHead: refusedByHead,
    verify,
    decode(delivery) {
      if (delivery.method === 'GET') return toDecoded(parametersOf(delivery.query), delivery);
      if (delivery.body.length > BODY_LIMIT) {
        throw new TrackbridgeError('BODY_TOO_LARGE', TEXTS.tooLarge);
      }
      return toDecoded(decodeWebhook(delivery), delivery);
    },
  };
}

const COVERED = { authenticated: true, verifiedBy: 'write-key' };
const KEYED: Verification = { passed: true, coverage: () => COVERED };

/** The first key of the query, even if unknown; without one, the Basic user name. */
function keyOf(head: SignedHead): Buffer | undefined {
  return keysInQuery(head)[0] ?? keysInBasic(head)[0];
}
