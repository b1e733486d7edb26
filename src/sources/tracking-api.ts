import type { SourceConfig } from '../config/config.js';
import { parseJson } from '../decode/json.js';
import { LIMITS } from '../decode/limits.js';
import { decodeText } from '../decode/text.js';
import { TrackbridgeError, type Violation } from '../errors.js';
import { isObject, type JsonValue } from '../event/event.js';
import type { Verification } from '../verify/combine.js';
import { guarded, type OAuth } from './oauth.js';
import { pixelDialect } from './pixel.js';
import { below } from './route.js';
import { rudderstackGateway } from './rudderstack-gateway.js';
import { segmentApi } from './segment-api.js';
import type { Answer, Decoded, Delivery, RawEvent, Source } from './source.js';
import { answerPage, answerTelemetry } from './tracking-pages.js';
import { methodsOf, type TrackingRoute, trackingPaths, trackingRouteOf } from './tracking-route.js';
import { rudderstackSourceConfig, segmentSettings } from './tracking-settings.js';
import type { EventsRoute, Message } from './tracking-vendor.js';
import { createWriteKeys, keysInBasic, keysInQuery } from './write-keys.js';

/** What one delivery was found to be, so that it is read once for its key and its events. */
interface Opened {
  readonly messages: readonly Message[];
  /** Whether one status stands for several events. */
  readonly batch: boolean;
  /** Keys beside the events: in the header, the query, or at the top of the body. */
  readonly keys: readonly (string | Buffer)[];
}

/**
 * A drop-in for the HTTP API that SDKs send to: Segment's Tracking API or RudderStack's gateway, by `dialect`. It takes the
 * paths of both; whose rules and answers they get is the dialect's. Its write keys authenticate, and name the source that
 * an event counts for.
 *
 * With `oauth` it gives access tokens as well, and checks those that come with a delivery.
 */
export function createTrackingApiSource(name: string, config: SourceConfig, oauth?: OAuth): Source {
  const vendor =
    config.dialect === 'rudderstack' ? rudderstackGateway() : segmentApi(config.strict === true);
  const keys = createWriteKeys(config.writeKeys ?? [], name);
  const pixels = pixelDialect();
  const opened = new WeakMap<Delivery, Opened>();
  const takesDeletions = config.extraTypes.includes('delete');

  /** Throws what the vendor refuses a body with. */
  const open = (delivery: Delivery): Opened => {
    const known = opened.get(delivery);
    if (known !== undefined) return known;
    const route = eventsOrPixel(delivery.below);
    const beside = [...keysInBasic(delivery), ...keysInQuery(delivery)];
    const found =
      route.kind === 'pixel' ? openPixel(delivery, route.type) : openBody(delivery, route);
    const result = { ...found, keys: [...beside, ...found.keys] };
    opened.set(delivery, result);
    return result;
  };

  const openPixel = (delivery: Delivery, type: string): Opened => {
    const message = vendor.pixelOf(delivery.query, type, delivery);
    return { messages: [message], batch: false, keys: keysOf(message) };
  };

  const openBody = (delivery: Delivery, route: EventsRoute): Opened => {
    const { body } = delivery;
    vendor.checkSize(body.length, route);
    const value = readJson(body);
    const messages = vendor.messagesOf(value, route, body.length);
    const top = isObject(value) ? value['writeKey'] : undefined;
    return {
      messages,
      batch: route.kind !== 'event',
      keys: typeof top === 'string' && top !== '' ? [top] : [],
    };
  };

  const readJson = (body: Buffer): JsonValue => {
    try {
      return parseJson(decodeText(body), LIMITS);
    } catch (error) {
      throw error instanceof TrackbridgeError ? vendor.notJson(error) : error;
    }
  };

  const sourceOf = (candidates: readonly (string | Buffer)[]): string | undefined => {
    for (const candidate of candidates) {
      const source = keys.sourceOf(candidate);
      if (source !== undefined) return source;
    }
    return undefined;
  };

  const verifyKey = (delivery: Delivery): Verification => {
    const route = eventsOrPixel(delivery.below);
    const beside = [...keysInBasic(delivery), ...keysInQuery(delivery)];
    if (sourceOf(beside) !== undefined) return KEYED;
    if (!vendor.bodyBeforeKey && !isReadable(delivery)) {
      return { holds: false, reason: beside.length > 0 ? vendor.unknownKey : vendor.noKey(route) };
    }
    const { keys: sent, messages } = open(delivery);
    if (sourceOf(sent) !== undefined) return KEYED;
    const inside = messages.flatMap(keysOf);
    const known = messages.filter((message) => sourceOf(keysOf(message)) !== undefined).length;
    const enough = vendor.oneRefusesAll ? messages.length : 1;
    if (known > 0 && known >= enough) return KEYED;
    const none = sent.length + inside.length === 0;
    return { holds: false, reason: none ? vendor.noKey(route) : vendor.unknownKey };
  };

  const isReadable = (delivery: Delivery): boolean => {
    try {
      open(delivery);
      return true;
    } catch (error) {
      if (error instanceof TrackbridgeError) return false;
      throw error;
    }
  };

  const decode = (delivery: Delivery): Decoded => {
    const { messages, batch, keys: sent } = open(delivery);
    const shared = sourceOf(sent);
    return { batch, events: messages.map((message) => toRawEvent(message, shared, delivery)) };
  };

  const toRawEvent = (
    { value, writeKey, violations }: Message,
    shared: string | undefined,
    delivery: Delivery,
  ): RawEvent => {
    const source = (writeKey === undefined ? undefined : keys.sourceOf(writeKey)) ?? shared;
    const raw = isObject(value) ? vendor.receive(value, delivery) : value;
    const against = isDeletion(value) && !takesDeletions ? DELETION : violations;
    return {
      value: raw,
      source: source ?? name,
      ...(against === undefined ? {} : { violations: against }),
      ...(source === undefined ? { unauthenticated: vendor.unknownKey } : {}),
    };
  };

  return {
    name,
    names: keys.names,
    vendor: vendor.vendor,
    config: { ...config, extraTypes: [...config.extraTypes, ...vendor.extraTypes] },
    route: below(config.path, trackingPaths(oauth !== undefined)),
    methodsFor: (path) => methodsOf(trackingRouteOf(path)),
    // Of the SDKs some retry 408 and all retry 503.
    lateBody: 'BUDGET_SPENT',
    checkBelow(path) {
      if (trackingRouteOf(path) === undefined) {
        throw new TrackbridgeError('NOT_FOUND', `source ${name} has nothing at this path`);
      }
    },
    dialectFor(path) {
      const kind = trackingRouteOf(path)?.kind;
      if (kind === 'token' && oauth !== undefined) return oauth.dialect;
      return kind === 'pixel' ? pixels : vendor.dialect;
    },
    respond(delivery): Answer | undefined | Promise<Answer> {
      const route = trackingRouteOf(delivery.below);
      if (route?.kind === 'token') return oauth?.grant(delivery);
      if (route?.kind === 'settings') {
        return segmentSettings(route.key, keys.sourceOf(route.key), delivery, config.path);
      }
      if (route?.kind === 'sourceConfig') {
        const sent = [...keysInBasic(delivery), ...keysInQuery(delivery)];
        return rudderstackSourceConfig(sourceOf(sent));
      }
      if (route?.kind === 'page') return answerPage(route.page, vendor.vendor);
      return route?.kind === 'telemetry' ? answerTelemetry() : undefined;
    },
    verify: (delivery) =>
      oauth === undefined ? verifyKey(delivery) : guarded(oauth, delivery, config, verifyKey),
    decode,
  };
}

const COVERED = { authenticated: true, verifiedBy: 'write-key' };
const KEYED: Verification = { holds: true, coverage: () => COVERED };

/** A write key stands in every page: whoever reads it there must not be able to have users forgotten. */
const DELETION: readonly Violation[] = [
  {
    path: '/type',
    message:
      'must not be delete: neither vendor takes one here; extraTypes: [delete] does, where no write key is public',
  },
];

function isDeletion(value: JsonValue): boolean {
  const type = isObject(value) ? value['type'] : undefined;
  return typeof type === 'string' && type.toLowerCase() === 'delete';
}

function keysOf({ writeKey }: Message): string[] {
  return writeKey === undefined || writeKey === '' ? [] : [writeKey];
}

/** `respond` has answered the others. */
function eventsOrPixel(path: string): EventsRoute | Extract<TrackingRoute, { kind: 'pixel' }> {
  const route = trackingRouteOf(path);
  switch (route?.kind) {
    case 'event':
    case 'batch':
    case 'import':
    case 'beacon':
    case 'pixel':
      return route;
    default:
      throw new TrackbridgeError('NOT_FOUND', 'this path takes no events');
  }
}
