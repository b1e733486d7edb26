import { TrackbridgeError } from '../errors.js';
import type { Answer, Delivery } from './source.js';

/** The address in it is that of the request, which no cache in between may give to others. */
const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };

/**
 * What Segment's CDN answers its browser SDK (`cdnURL`): that the only destination is this receiver. `source` is the name
 * that the key stands for, `path` the tracking API's own. Throws NOT_FOUND where the key stands for nothing.
 */
export function segmentSettings(
  key: string,
  source: string | undefined,
  { origin }: Pick<Delivery, 'origin'>,
  path: string,
): Answer {
  if (source === undefined) throw new TrackbridgeError('NOT_FOUND', 'the write key is not listed');
  const [protocol, host] = origin().split('://');
  const apiHost = `${host}${path === '/' ? '' : path}/v1`;
  return json({
    integrations: { 'Segment.io': { apiKey: key, apiHost, protocol } },
    plan: { track: { __default: { enabled: true, integrations: {} } } },
    // Otherwise the SDK reports on itself to Segment, which does not know the key.
    metrics: { sampleRate: 0, host: apiHost, protocol },
  });
}

/**
 * What RudderStack's control plane answers its SDKs (`configUrl`): a source without destinations, so that all goes to the data
 * plane, whose address the page has given. `source` is the name that the key stands for.
 */
export function rudderstackSourceConfig(source: string | undefined): Answer {
  // Its SDK for Android looks for these words, and then does not ask again.
  if (source === undefined) return { ...json({ message: 'Invalid write key' }), status: 400 };
  return json({
    isHosted: true,
    source: {
      id: source,
      name: source,
      workspaceId: 'trackbridge',
      enabled: true,
      updatedAt: '1970-01-01T00:00:00.000Z',
      config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } },
      destinations: [],
      connections: [],
    },
  });
}

function json(value: object): Answer {
  return { status: 200, headers: HEADERS, body: JSON.stringify(value) };
}
