import type { SinkOptions } from '../../config/config.js';
import { TrackbridgeError } from '../../core/errors.js';
import type { CanonicalEvent } from '../../event/event.js';
import { createHttpClient, hideable } from '../kit/http-client.js';
import { type SinkContext, SinkError } from '../sink.js';
import { vendorFailure } from './answer.js';
import { urlBelow } from './endpoint.js';

export type SuppressionOptions = NonNullable<SinkOptions['rudderstack']['suppression']>;

/** Sends deletions to RudderStack. */
export interface Suppression {
  open(): void;
  /** Requests the suppression of the event's user. Rejects with a SinkError unless it was accepted. */
  request(event: CanonicalEvent, signal: AbortSignal): Promise<void>;
  check(): Promise<void>;
  close(): Promise<void>;
}

/**
 * RudderStack's User Suppression API: `POST /v2/regulations`, Bearer. Repeating a request for the same user is
 * harmless. Throws CONFIG_INVALID if no destination is configured for deletions.
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
    credentials: `the API rejects the token; check sinks.${name}.suppression.token`,
    place: `this is not RudderStack's API; check sinks.${name}.suppression.endpoint`,
  };
  return {
    open: () => client.open(),

    async request(event, signal) {
      const userId = event['userId'];
      if (typeof userId !== 'string') {
        throw new SinkError(
          'the delete event has no userId, which RudderStack requires to suppress a user',
          {
            retryable: false,
          },
        );
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
