import type { JsonObject, Vendor } from '../event/event.js';
import { encodeAudienceSetUp, encodeAudiences } from './audiences.js';
import { audienceToCreate, audienceToGet } from './engage.js';
import { encodeHttp } from './rudderstack-http.js';
import { encodeWebhook } from './rudderstack-webhook.js';
import type { SampleType } from './samples.js';
import { encodeSegment } from './segment.js';
import type { Encoder } from './wire-request.js';

/** One of a vendor's destinations that send webhooks. */
export interface Form {
  readonly encode: Encoder;
  readonly methods: readonly string[];
  readonly takesBatches: boolean;
  /** After how many milliseconds without an answer the vendor gives an attempt up. */
  readonly timeout: number;
  /** What kind of made-up event goes with it; track where it does not say. */
  readonly type?: SampleType;
  /** Makes what it carries, where that is no event. */
  readonly make?: () => JsonObject;
  /** Whether an audience's settings may add to its bodies. */
  readonly takesExtras?: true;
}

const SECOND = 1_000;
const BODY_METHODS = ['POST', 'PUT', 'PATCH'];
const ALL_METHODS = [...BODY_METHODS, 'GET', 'DELETE'];

/** The destinations of each vendor by the name that `--form` has for them; the first is the default. */
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
    },
    'http-json': {
      encode: (events, destination, isBatch) => encodeHttp(events, destination, 'json', isBatch),
      methods: ALL_METHODS,
      takesBatches: true,
      timeout: 10 * SECOND,
    },
    'http-form': {
      encode: (events, destination) => encodeHttp(events, destination, 'form', false),
      methods: ALL_METHODS,
      takesBatches: false,
      timeout: 10 * SECOND,
    },
    'http-xml': {
      encode: (events, destination) => encodeHttp(events, destination, 'xml', false),
      methods: ALL_METHODS,
      takesBatches: false,
      timeout: 10 * SECOND,
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
