import type { Vendor } from '../event/event.js';
import { encodeHttp } from './rudderstack-http.js';
import { encodeWebhook } from './rudderstack-webhook.js';
import { encodeSegment } from './segment.js';
import type { Encoder } from './wire-request.js';

/** One of a vendor's destinations that send webhooks. */
export interface Form {
  readonly encode: Encoder;
  readonly methods: readonly string[];
  readonly takesBatches: boolean;
  /** After how many milliseconds without an answer the vendor gives an attempt up. */
  readonly timeout: number;
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
