import type { TrackbridgeError } from '../../../core/errors.js';
import type { Answer, Answers } from '../../source.js';

/** Caches must not store a token (RFC 6749 section 5.1). */
const HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  pragma: 'no-cache',
};

/** Errors for which RFC 6749 section 5.2 defines a code. */
export const REFUSALS = {
  grant: 'the only grant_type is client_credentials',
  scope: 'the only scope is tracking_api:write',
} as const;

/** Builds the answer that carries a token; `seconds` is its lifetime. */
export function tokenAnswer(token: string, seconds: number, scope: string): Answer {
  const body = { access_token: token, token_type: 'Bearer', expires_in: seconds, scope };
  return { status: 200, headers: HEADERS, body: JSON.stringify(body) };
}

/**
 * The answers to rejected token requests. Segment's library gives up on 400, 401 and 415, so those are sent only for
 * the client's own faults. It retries on 429 and 5xx.
 */
export function oauthAnswers(): Answers {
  return {
    accepted: () => ({ status: 204, headers: HEADERS, body: '' }),
    rejected(error, retryAfter) {
      const [status, code] = refusalOf(error);
      return {
        status,
        headers: {
          ...HEADERS,
          ...error.headers,
          ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
        },
        body: JSON.stringify({ error: code, error_description: error.message }),
      };
    },
  };
}

function refusalOf({ code, status, message }: TrackbridgeError): readonly [number, string] {
  if (code === 'UNAUTHENTICATED') return [401, 'invalid_client'];
  if (message === REFUSALS.grant) return [400, 'unsupported_grant_type'];
  if (message === REFUSALS.scope) return [400, 'invalid_scope'];
  if (status === 408 || status >= 500) return [503, 'temporarily_unavailable'];
  if (status === 404 || status === 405 || status === 429) return [status, 'invalid_request'];
  return [400, 'invalid_request'];
}
