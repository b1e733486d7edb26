import type { JsonObject } from '../../core/json.js';
import type { Vendor } from '../../event/event.js';
import { encodeAudienceSetUp, encodeAudiences } from './audiences.js';
import { audienceToCreate, audienceToGet } from './engage.js';
import { encodeHttp } from './rudderstack/http.js';
import { encodeWebhook } from './rudderstack/webhook.js';
import type { SampleType } from './samples.js';
import { encodeSegment } from './segment.js';
import type { Encoder } from './wire-request.js';

/** One of a vendor's destinations that send webhooks. */
export interface Form {
  readonly encode: Encoder;
  readonly methods: readonly string[];
  readonly takesBatches: boolean;
  /** Milliseconds without an answer after which the vendor ends an attempt. */
  readonly timeout: number;
  /** The type of made-up event for it; track by default. */
  readonly type?: SampleType;
  /** Makes the body, if that is not an event. */
  readonly make?: () => JsonObject;
  /** Whether an audience's settings may extend its bodies. */
  readonly takesExtras?: true;
  /** The setting that extends the path of its URL. */
  readonly path?: 'appendPath' | 'pathParams';
}

const SECOND = 1_000;
const BODY_METHODS = ['POST', 'PUT', 'PATCH'];
const ALL_METHODS = [...BODY_METHODS, 'GET', 'DELETE'];

/** Each vendor's destinations by their name for `--form`; the first is the default. */
export const FORMS: Readonly<Record<Vendor, Readonly<Record<string, Form>>>> = {
  segment: {
    actions: {
      encode: (events, destination, isBatch) =>
        encodeSegment(events, destination, 'actions', isBatch),
      methods: BODY_METHODS,
      takesBatches: true,
      timeout: 10 * SECOND,
    },
    classic: {
      encode: (events, destination, isBatch) =>
        encodeSegment(events, destination, 'classic', isBatch),
      methods: ['POST'],
      takesBatches: true,
      timeout: 5 * SECOND,
    },
    extensible: {
      encode: (events, destination, isBatch) =>
        encodeSegment(events, destination, 'extensible', isBatch),
      methods: BODY_METHODS,
      takesBatches: true,
      timeout: 10 * SECOND,
    },
    audiences: {
      encode: encodeAudiences,
      methods: BODY_METHODS,
      takesBatches: true,
      timeout: 10 * SECOND,
      type: 'engage',
      takesExtras: true,
    },
    'audience-create': audienceSetUp(audienceToCreate),
    'audience-get': audienceSetUp(audienceToGet),
  },
  rudderstack: {
    webhook: {
      encode: ([event], destination) => encodeWebhook(event ?? {}, destination),
      methods: ALL_METHODS,
      takesBatches: false,
      timeout: 10 * SECOND,
      path: 'appendPath',
    },
    'http-json': {
      encode: (events, destination, isBatch) => encodeHttp(events, destination, 'json', isBatch),
      methods: ALL_METHODS,
      takesBatches: true,
      timeout: 10 * SECOND,
      path: 'pathParams',
    },
    'http-form': {
      encode: (events, destination) => encodeHttp(events, destination, 'form', false),
      methods: ALL_METHODS,
      takesBatches: false,
      timeout: 10 * SECOND,
      path: 'pathParams',
    },
    'http-xml': {
      encode: (events, destination) => encodeHttp(events, destination, 'xml', false),
      methods: ALL_METHODS,
      takesBatches: false,
      timeout: 10 * SECOND,
      path: 'pathParams',
    },
  },
};

function audienceSetUp(make: () => JsonObject): Form {
  return {
    encode: ([event], destination) => encodeAudienceSetUp(event ?? {}, destination),
    methods: ['POST'],
    takesBatches: false,
    timeout: 10 * SECOND,
    make,
    takesExtras: true,
  };
}
