import { errors, type FetchImplementation } from 'jose';
import { Agent } from 'undici';
import { createConnector } from '../outbound/connector.js';
import type { Reach } from './jwks.js';

/** Bytes of a key set: a hundred times what any issuer publishes, and nothing beside the memory of this process. */
const LARGEST_SET = 1024 * 1024;

/** What of undici's codes says that an answer was longer than `LARGEST_SET`. */
const TOO_LARGE = 'UND_ERR_RES_EXCEEDED_MAX_SIZE';

/**
 * jose's way to a key set: one request on a connection of its own, to the URL itself and nowhere else. Redirects are not
 * followed, a proxy in the environment is not used, and a body over 1 MB rejects with JWKSInvalid.
 *
 * A host name must resolve to a public address unless `reach.allowPrivate`: whoever can answer for that name could otherwise
 * have this process knock on the doors of its own network. An address or `localhost` in the URL was written there by the
 * operator and is connected to as it stands.
 */
export function fetchKeys(url: URL, reach: Reach): FetchImplementation {
  const connect = createConnector(reach.allowPrivate || isWrittenOut(url), reach.resolve);
  return async (_url, { headers, signal }) => {
    // A connection kept for a fetch minutes away may be closed by then, which would look like an outage.
    const agent = new Agent({ connect, maxResponseSize: LARGEST_SET, pipelining: 0 });
    try {
      const { statusCode, body } = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'GET',
        headers: Object.fromEntries(headers),
        signal,
      });
      const text = await body.text();
      // Only 200 carries keys; jose refuses the rest by its status, and a Response cannot hold every status there is.
      return new Response(text, { status: statusCode === 200 ? 200 : 502 });
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === TOO_LARGE) {
        throw new errors.JWKSInvalid('the key set is larger than 1 MB', { cause: error });
      }
      throw error;
    } finally {
      await agent.destroy();
    }
  };
}

/** Whether the URL names its host by address, or this machine by name, so that DNS has no say in it. */
function isWrittenOut({ hostname }: URL): boolean {
  return /^\[|^[\d.]+$/.test(hostname) || /(^|\.)localhost\.?$/.test(hostname);
}
