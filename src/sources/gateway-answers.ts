import type { TrackbridgeError } from '../core/errors.js';
import type { Answer, Answers } from './source.js';

/** The gateway's default limit, in bytes of the decompressed body. */
export const BODY_LIMIT = 4_000 * 1024;

/** The gateway's texts, which its SDKs and their users rely on. */
export const TEXTS = {
  noHeaderKey: 'failed to read writekey from header',
  noQueryKey: 'failed to read writekey from query params',
  unknownKey: 'invalid write key',
  notJson: 'invalid json',
  notEvent: 'event is not a valid rudder event',
  noIdentity: 'request neither has anonymousId nor userId',
  emptyBatch: 'empty batch payload',
  tooLarge: 'request size exceeds max limit',
  tooMany: 'max requests limit reached',
  unreadable: 'failed to read body from request',
  late: 'gateway timeout',
  unavailable: 'Service Unavailable',
  notFound: '404 page not found',
  webhookJson: 'Malformed JSON in request body',
  webhookForm: 'error during parsing form',
  webhookMultipart: 'error during parsing multiform',
} as const;

const TEXT_HEADERS = { 'content-type': 'text/plain; charset=utf-8' };
const OK: Answer = { status: 200, headers: TEXT_HEADERS, body: 'ok' };

/** Answers as RudderStack's gateway does: a text, and a status that its SDKs interpret. */
export function rudderstackAnswers(): Answers {
  return {
    accepted: () => OK,
    rejected(error, retryAfter) {
      const [status, text] = refusalOf(error);
      // The gateway's router answers a wrong method without a text, so without a content type.
      if (text === '') return { status, headers: { ...error.headers }, body: '' };
      return {
        status,
        headers: {
          ...TEXT_HEADERS,
          'x-content-type-options': 'nosniff',
          ...error.headers,
          ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
        },
        body: `${text}\n`,
      };
    },
  };
}

const OWN_TEXTS: ReadonlySet<string> = new Set(Object.values(TEXTS));

function refusalOf(error: TrackbridgeError): readonly [status: number, text: string] {
  switch (error.code) {
    case 'UNAUTHENTICATED':
      return [401, OWN_TEXTS.has(error.message) ? error.message : TEXTS.unknownKey];
    case 'NOT_FOUND':
      return [404, TEXTS.notFound];
    case 'METHOD_NOT_ALLOWED':
      return [405, ''];
    case 'BODY_TOO_LARGE':
      return [413, TEXTS.tooLarge];
    case 'RATE_LIMITED':
      return [429, TEXTS.tooMany];
    case 'BUDGET_SPENT':
      return [504, TEXTS.late];
    case 'CODING_UNKNOWN':
      return [400, TEXTS.notJson];
    default:
  }
  // Rejections by the gateway's own rules carry its texts.
  if (OWN_TEXTS.has(error.message)) return [400, error.message];
  // A body with a broken content coding, or one that the sender did not complete.
  if (error.code === 'BODY_MALFORMED' || error.code === 'BODY_ABORTED') {
    return [500, TEXTS.unreadable];
  }
  if (error.code === 'EVENT_INVALID') return [200, 'ok'];
  return error.status < 500 ? [error.status, error.message] : [503, TEXTS.unavailable];
}
