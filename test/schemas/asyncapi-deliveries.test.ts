import { beforeAll, describe, expect, it } from 'vitest';
import { createSource } from '../../src/sources/registry.js';
import { harness } from '../ingest/harness.js';
import { type Served, serve } from '../ingest/serve.js';
import { sourceConfig } from '../sources/support.js';
import { type DescribedOperation, receiving } from './asyncapi-document.js';
import {
  gatewayDeliveries,
  type RecordedDelivery,
  rudderstackDeliveries,
  sdkDeliveries,
  segmentDeliveries,
} from './recorded-deliveries.js';

let operations: readonly DescribedOperation[];
beforeAll(async () => {
  operations = await receiving();
});

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

/** The ids of the messages that describe a delivery: the body, its headers and its query fit their schemas. */
function describing(delivery: RecordedDelivery): readonly string[] {
  const { method, path, query, headers, body } = delivery;
  const value = parsed(body);
  const parameters = Object.fromEntries(new URLSearchParams(query));
  return operations
    .filter((each) => each.method === method && each.path.test(path))
    .filter((each) => each.query === undefined || each.query(parameters) === true)
    .flatMap((each) => each.messages)
    .filter((message) => {
      if (message.headers !== undefined && message.headers(headers) !== true) return false;
      if (body === '') return message.payload === undefined;
      // The body decides what it is, not its label: SDKs send JSON as text/plain or as a form.
      const isJson = message.contentType === 'application/json';
      if (isJson !== (typeof value !== 'string')) return false;
      return message.payload?.(value) === true;
    })
    .map(({ id }) => id);
}

describe('the AsyncAPI document describes', () => {
  it.each(segmentDeliveries)('what Segment sends: $name', (delivery) => {
    const [id] = describing(delivery);
    expect(id).toBe(delivery.body.trimStart().startsWith('[') ? 'segmentBatch' : 'segmentEvent');
  });

  it.each(rudderstackDeliveries)('what RudderStack sends: $name', (delivery) => {
    expect(describing(delivery)).toContain(
      delivery.body === '' ? 'rudderstackQuery' : 'rudderstackEvent',
    );
  });

  it.each(sdkDeliveries)('what SDKs send: $name', (delivery) => {
    expect(describing(delivery)).not.toEqual([]);
  });

  it.each(gatewayDeliveries)('what RudderStack’s gateway accepts: $name', (delivery) => {
    expect(describing(delivery)).not.toEqual([]);
  });

  it.each([
    ['POST', '/segment', '{"event":"E"}'],
    ['POST', '/segment', '{"type":7}'],
    ['POST', '/segment', '[7]'],
    ['POST', '/segment', '{"type":"track","properties":"x"}'],
    ['POST', '/rudderstack', '{"type":"track","traits":[1]}'],
    ['POST', '/v1/batch', '{"batch":[[{"foo":"bar"}]]}'],
    ['POST', '/v1/batch', '{"events":[]}'],
    ['POST', '/v1/track', '[]'],
    ['GET', '/segment', ''],
    ['PUT', '/v1/track', '{"userId":"u"}'],
    ['POST', '/nowhere', '{"type":"track"}'],
  ])('no %s %s of %s', (method, path, body) => {
    const delivery = { name: '', method, path, query: '', headers: {}, body };
    expect(describing(delivery)).toEqual([]);
  });

  it('RudderStack’s rule of identity, and Segment’s that has none', () => {
    const delivery = { name: '', method: 'POST', path: '/v1/track', query: '', headers: {} };
    expect(describing({ ...delivery, body: '{"event":"E"}' })).toEqual(['segmentTrack']);
    expect(describing({ ...delivery, body: '{"event":"E","userId":"u"}' })).toEqual([
      ...['segmentTrack', 'rudderstackTrack'],
    ]);
  });
});

/** The sources of the default configuration, and those of the API at their default paths. */
async function receiver(): Promise<Served> {
  const h = harness();
  const keys = [{ key: 'WK' }];
  const oauth = {
    secret: 'a-secret-of-thirty-two-bytes-000',
    previousSecrets: [],
    clients: [],
    lifetime: 3_600_000,
    required: false,
  };
  const none = [{ scheme: 'none' }] as const;
  const configs = {
    segment: { type: 'segment', path: '/segment', verify: none },
    rudderstack: { type: 'rudderstack', path: '/rudderstack', verify: none },
    sdk: { type: 'tracking-api', path: '/', verify: [], writeKeys: keys, oauth },
    hooks: { type: 'webhook-source', path: '/', verify: [], writeKeys: keys },
  } as const;
  const sources = Object.entries(configs).map(([name, config]) =>
    createSource(name, sourceConfig(config), h.deps.clock),
  );
  return await serve(sources, h);
}

describe('the receiver', () => {
  it('has every path and method of the document, and answers as it says', async () => {
    const served = await receiver();
    for (const { id, method, address, answers } of operations) {
      const path = address.replace('/rudderstack/{path}', '/rudderstack/track/Order');
      const type = address.startsWith('/v1/{') ? 'merge' : 'track';
      const hasBody = method !== 'GET' && method !== 'HEAD';
      const answer = await served.ask(`${path.replace('{type}', type)}?writeKey=WK`, {
        method,
        ...(hasBody && { body: '{"type":"track","event":"E","userId":"u","batch":[]}' }),
      });
      expect([id, answer.status]).not.toContainEqual(404);
      expect([id, answer.status]).not.toContainEqual(405);
      const contentType = answer.headers.get('content-type')?.split(';')[0];
      const body = parsed(await answer.text());
      if (body === '') continue;
      const fitting = answers.filter((each) => {
        return each.contentType === contentType && each.payload?.(body) === true;
      });
      expect([id, fitting.length]).toEqual([id, 1]);
    }
  });

  it.each(
    ['POST', 'PUT', 'PATCH', 'GET', 'DELETE', 'HEAD'].flatMap((method) =>
      ['/segment', '/rudderstack', '/v1/track', '/v1/batch', '/v1/webhook', '/v1/pixel/track'].map(
        (path) => [method, path] as const,
      ),
    ),
  )('is described for %s %s exactly if it accepts that', async (method, path) => {
    const served = await receiver();
    const status = await served.statusOf(`${path}?writeKey=WK`, method);
    const described = operations.some((each) => {
      return each.method === method && each.path.test(path);
    });
    expect([method, path, described]).toEqual([method, path, status !== 405 && status !== 404]);
  });
});
