import type { TrackingApiSourceConfig } from '../../config/config.js';
import { TrackbridgeError, type Violation } from '../../core/errors.js';
import { isObject, type JsonValue } from '../../core/json.js';
import { parseEvents } from '../../decode/json/parse.js';
import { LIMITS } from '../../decode/limits.js';
import { decodeText } from '../../decode/text.js';
import type { Verification } from '../../verify/combine.js';
import { writeKeyInJson } from '../../verify/write-key/scan.js';
import { subpath } from '../route.js';
import type { Answer, Decoded, Delivery, RawEvent, Source } from '../source.js';
import { createWriteKeys, keysInBasic, keysInQuery } from '../write-keys.js';
import { guarded, type OAuth } from './oauth/oauth.js';
import { answerPage, answerTelemetry } from './pages.js';
import { pixelAnswers } from './pixel.js';
import { methodsOf, type TrackingRoute, trackingPaths, trackingRouteOf } from './route.js';
import { rudderstackGateway } from './rudderstack.js';
import { segmentApi } from './segment.js';
import { rudderstackSourceConfig, segmentSettings } from './settings.js';
import { type EventsRoute, isBatch, type Message } from './vendor.js';

/**
 * The largest body that is parsed for the write keys of its events, in bytes: Segment's limit of a batch. A larger body
 * requires its key in the header, the query or its top level, because anyone can send one.
 */
const PARSED_UNVERIFIED = 500 * 1024;

/** A parsed delivery, kept so that it is read only once for its key and its events. */
interface Opened {
  readonly messages: readonly Message[];
  /** Whether the delivery is a batch, which gets one status for all its events. */
  readonly batch: boolean;
  /** Keys outside the events: in the header, the query, or at the top level of the body. */
  readonly keys: readonly (string | Buffer)[];
}

/**
 * A drop-in replacement for the HTTP API that SDKs send to: Segment's Tracking API or RudderStack's gateway. It accepts
 * the paths of both; `dialect` decides whose rules and answers apply. Its write keys authenticate events and name the
 * source they count for.
 *
 * With `oauth` it also issues access tokens and checks those that deliveries carry.
 */
export function createTrackingApiSource(
  name: string,
  config: TrackingApiSourceConfig,
  oauth?: OAuth,
): Source {
  const vendor =
    config.dialect === 'rudderstack' ? rudderstackGateway() : segmentApi(config.strict === true);
  const keys = createWriteKeys(config.writeKeys ?? [], name);
  const pixels = pixelAnswers();
  const opened = new WeakMap<Delivery, Opened>();
  const takesDeletions = config.extraTypes.includes('delete');

  /** Throws the vendor's error for a rejected body. */
  const open = (delivery: Delivery): Opened => {
    const known = opened.get(delivery);
    if (known !== undefined) return known;
    const route = eventsOrPixel(delivery.subpath);
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
    const { text, value } = readJson(body);
    const messages = vendor.messagesOf(value, route, text);
    const top = isObject(value) ? value['writeKey'] : undefined;
    return {
      messages,
      batch: isBatch(value, route),
      keys: typeof top === 'string' && top !== '' ? [top] : [],
    };
  };

  const readJson = (body: Buffer): { readonly text: string; readonly value: JsonValue } => {
    try {
      const text = decodeText(body);
      return { text, value: parseEvents(text, LIMITS) };
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
    const route = eventsOrPixel(delivery.subpath);
    const beside = [...keysInBasic(delivery), ...keysInQuery(delivery)];
    if (sourceOf(beside) !== undefined) return KEYED;
    if (delivery.body.length > PARSED_UNVERIFIED)
      return verifyTopLevelKey(delivery.body, beside, route);
    if (!vendor.bodyBeforeKey && !isReadable(delivery)) {
      return { passed: false, reason: beside.length > 0 ? vendor.unknownKey : vendor.noKey(route) };
    }
    const { keys: sent, messages } = open(delivery);
    if (sourceOf(sent) !== undefined) return KEYED;
    const inside = messages.flatMap(keysOf);
    const known = messages.filter((message) => sourceOf(keysOf(message)) !== undefined).length;
    const enough = vendor.oneRefusesAll ? messages.length : 1;
    if (known > 0 && known >= enough) return KEYED;
    const none = sent.length + inside.length === 0;
    return { passed: false, reason: none ? vendor.noKey(route) : vendor.unknownKey };
  };

  const verifyTopLevelKey = (
    body: Buffer,
    beside: readonly Buffer[],
    route: TrackingRoute,
  ): Verification => {
    const top = writeKeyInJson(body);
    if (top !== undefined && keys.sourceOf(top) !== undefined) return KEYED;
    const none = beside.length === 0 && top === undefined;
    return { passed: false, reason: none ? vendor.noKey(route) : vendor.unknownKey };
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
    { value, writeKey, sent }: Message,
    shared: string | undefined,
    delivery: Delivery,
  ): RawEvent => {
    const source = (writeKey === undefined ? undefined : keys.sourceOf(writeKey)) ?? shared;
    const raw = isObject(value) ? vendor.receive(value, delivery) : value;
    return {
      value: raw,
      source: source ?? name,
      ...(sent === undefined ? {} : { sent }),
      ...(source === undefined ? { unauthenticated: vendor.unknownKey } : {}),
    };
  };

  return {
    name,
    names: keys.names,
    vendor: vendor.vendor,
    config: { ...config, extraTypes: [...config.extraTypes, ...vendor.extraTypes] },
    route: subpath(config.path, trackingPaths(oauth !== undefined)),
    methodsFor: (path) => methodsOf(trackingRouteOf(path)),
    // All SDKs retry 503; only some retry 408.
    lateBody: 'BUDGET_SPENT',
    checkSubpath(path) {
      if (trackingRouteOf(path) === undefined) {
        throw new TrackbridgeError('NOT_FOUND', `source ${name} does not have this path`);
      }
    },
    answersFor(path) {
      const kind = trackingRouteOf(path)?.kind;
      if (kind === 'token' && oauth !== undefined) return oauth.answers;
      return kind === 'pixel' ? pixels : vendor.answers;
    },
    respond(delivery): Answer | undefined | Promise<Answer> {
      const route = trackingRouteOf(delivery.subpath);
      if (route?.kind === 'token') return oauth?.grant(delivery);
      if (route?.kind === 'settings') {
        return segmentSettings(route.key, keys.sourceOf(route.key), delivery, config.path);
      }
      if (route?.kind === 'sourceConfig') {
        const sent = [...keysInBasic(delivery), ...keysInQuery(delivery)];
        return rudderstackSourceConfig(sourceOf(sent));
      }
      if (route?.kind === 'root' && delivery.method !== 'POST')
        return answerPage('health', vendor.vendor);
      if (route?.kind === 'page') return answerPage(route.page, vendor.vendor);
      return route?.kind === 'telemetry' ? answerTelemetry() : undefined;
    },
    verify: (delivery) =>
      oauth === undefined ? verifyKey(delivery) : guarded(oauth, delivery, config, verifyKey),
    decode,
    violationsOf: (value, sent) =>
      isDeletion(value) && !takesDeletions ? DELETION : vendor.violationsOf(value, sent),
  };
}

const COVERED = { authenticated: true, verifiedBy: 'write-key' };
const KEYED: Verification = { passed: true, coverage: () => COVERED };

/** A write key is public in every page. Whoever reads it there must not be able to delete users. */
const DELETION: readonly Violation[] = [
  {
    path: '/type',
    message:
      'must not be delete, which neither vendor accepts here; set extraTypes: [delete] to accept it if no write key is public',
  },
];

function isDeletion(value: JsonValue): boolean {
  const type = isObject(value) ? value['type'] : undefined;
  return typeof type === 'string' && type.toLowerCase() === 'delete';
}

function keysOf({ writeKey }: Message): string[] {
  return writeKey === undefined || writeKey === '' ? [] : [writeKey];
}

/** Returns the route of a delivery with events; `respond` has answered all others. */
function eventsOrPixel(path: string): EventsRoute | Extract<TrackingRoute, { kind: 'pixel' }> {
  const route = trackingRouteOf(path);
  switch (route?.kind) {
    case 'event':
    case 'batch':
    case 'import':
    case 'beacon':
    case 'root':
    case 'pixel':
      return route;
    default:
      throw new TrackbridgeError('NOT_FOUND', 'this path does not accept events');
  }
}
