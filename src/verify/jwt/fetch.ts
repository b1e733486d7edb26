import { errors, type FetchImplementation } from 'jose';
import { Agent } from 'undici';
import { createConnector, type Resolve } from '../../core/outbound/connector.js';

/** The addresses a key set may be fetched from. */
export interface Reach {
  /** Allow host names that resolve to private addresses. */
  readonly allowPrivate: boolean;
  /** Replaces DNS in tests. */
  readonly resolve?: Resolve;
}

/** Maximum size of a key set in bytes: a hundred times the size of any issuer's set. */
const LARGEST_SET = 1024 * 1024;

/** undici's code for a response longer than `LARGEST_SET`. */
const TOO_LARGE = 'UND_ERR_RES_EXCEEDED_MAX_SIZE';

/**
 * Fetches a key set for jose: one request on its own connection, to exactly this URL. It does not follow redirects and
 * ignores a proxy in the environment. A body over 1 MB rejects with JWKSInvalid.
 *
 * Unless `reach.allowPrivate` is set, a host name must resolve to a public address. Otherwise whoever controls that
 * name's DNS could direct requests into the operator's network. An IP address or `localhost` in the URL was chosen by
 * the operator and is always allowed.
 */
export function fetchKeys(url: URL, reach: Reach): FetchImplementation {
  const connect = createConnector(reach.allowPrivate || isWrittenOut(url), reach.resolve);
  return async (_url, { headers, signal }) => {
    // The next fetch is minutes away. A kept connection may be closed by then, which would look like an outage.
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
      // Only a 200 carries keys. jose rejects any other status, and a Response cannot represent every status.
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

/** Whether the URL's host is an IP address or `localhost`, so that DNS is not involved. */
function isWrittenOut({ hostname }: URL): boolean {
  return /^\[|^[\d.]+$/.test(hostname) || /(^|\.)localhost\.?$/.test(hostname);
}
