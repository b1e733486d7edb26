import { TrackbridgeError } from '../../core/errors.js';
import type { Answer, Delivery } from '../source.js';

/** The answer contains the address of the request, so caches must not share it. */
const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };

/**
 * Answers Segment's browser SDK as Segment's CDN does (`cdnURL`), with this receiver as the only destination. `source`
 * is the name of the key's source, `path` the tracking API's own. Throws NOT_FOUND if the key is not listed.
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
    // Otherwise the SDK reports its metrics to Segment, which does not know the key.
    metrics: { sampleRate: 0, host: apiHost, protocol },
  });
}

/**
 * Answers RudderStack's SDKs as its control plane does (`configUrl`), with a source without destinations, so that every
 * event goes to the data plane the page has configured. `source` is the name of the key's source.
 */
export function rudderstackSourceConfig(source: string | undefined): Answer {
  // RudderStack's Android SDK looks for this text and then stops asking.
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
