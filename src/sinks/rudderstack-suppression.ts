import { TrackbridgeError } from '../errors.js';
import type { CanonicalEvent } from '../event/event.js';
import { createHttpClient, hideable } from './http-client.js';
import { type SinkContext, SinkError } from './sink.js';
import { vendorFailure } from './tracking-api-answer.js';
import { urlBelow } from './tracking-api-endpoint.js';

export interface SuppressionOptions {
  /** Base URL of RudderStack's API, which is the region. */
  readonly endpoint: string;
  /** A service access token. */
  readonly token: string;
  /** `suppress`: take no more events of the user. `suppress_with_delete`: also delete what destinations have. */
  readonly type: 'suppress' | 'suppress_with_delete';
  readonly sourceIds: readonly string[];
  readonly destinationIds: readonly string[];
}

/** The way of a deletion to RudderStack. */
export interface Suppression {
  open(): void;
  /** Asks for the suppression of the event's user. Rejects with a SinkError unless it was taken. */
  request(event: CanonicalEvent, signal: AbortSignal): Promise<void>;
  check(): Promise<void>;
  close(): Promise<void>;
}

/**
 * RudderStack's User Suppression API: `POST /v2/regulations`, Bearer. Asking twice for the same user does no harm. Throws
 * CONFIG_INVALID where a deletion is to reach no destination.
 */
export function createSuppression(
  options: SuppressionOptions,
  { clock, name }: SinkContext,
): Suppression {
  const { destinationIds, endpoint, sourceIds, token, type } = options;
  if (type === 'suppress_with_delete' && destinationIds.length === 0) {
    throw new TrackbridgeError(
      'CONFIG_INVALID',
      'suppression.destinationIds: name the destinations to delete from, or use type: suppress',
    );
  }
  const url = urlBelow(endpoint, '/v2/regulations', 'suppression.endpoint');
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const client = createHttpClient(url, {
    allowPrivateAddresses: true,
    secrets: hideable([token]),
    clock,
  });
  const about = {
    who: "RudderStack's suppression API",
    credentials: `the token is not accepted there; check sinks.${name}.suppression.token`,
    place: `this is not RudderStack's API; check sinks.${name}.suppression.endpoint`,
  };
  return {
    open: () => client.open(),

    async request(event, signal) {
      const userId = event['userId'];
      if (typeof userId !== 'string') {
        throw new SinkError('the delete names no userId, and RudderStack suppresses by userId', {
          retryable: false,
        });
      }
      const body = JSON.stringify({
        regulationType: type,
        ...(sourceIds.length > 0 && { sourceIds }),
        ...(destinationIds.length > 0 && { destinationIds }),
        users: [{ userId }],
      });
      const request = { method: 'POST', path: url.pathname, headers, body } as const;
      const failure = vendorFailure(await client.send(request, signal), about, clock.now());
      if (failure) throw failure;
    },

    check: () => client.connect(),
    close: () => client.close(),
  };
}
