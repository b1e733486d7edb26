import { describe, expect, it } from 'vitest';
import { createTrackingApiSource } from '../../../src/sources/tracking-api/source.js';
import { harness } from '../../ingest/harness.js';
import { type Served, serve } from '../../ingest/serve.js';
import { cases, expectRecorded } from '../gateway-cases.js';
import { sourceConfig } from '../support.js';

/** What a receiver that is configured by write keys cannot be brought to, and pages whose text is the vendor's own. */
const ELSEWHERE = new Set(['disabled-source', 'health', 'version']);
const recorded = cases.filter(
  ({ id, request }) =>
    request.when === undefined && !id.startsWith('webhook') && !ELSEWHERE.has(id),
);

function gateway(): Promise<Served> {
  const config = sourceConfig({
    type: 'tracking-api',
    path: '/',
    dialect: 'rudderstack',
    verify: [],
    writeKeys: [{ key: 'WK' }],
    cors: { origins: ['*'], credentials: true },
  });
  const source = createTrackingApiSource('rudder', config);
  const { deps } = harness();
  return serve([source], harness({ server: { ...deps.server, bodyLimit: 8_000_000 } }));
}

describe("the gateway's recorded answers", () => {
  it.each(recorded.map((each) => [each.id, each] as const))('%s', async (_id, each) => {
    await expectRecorded(await gateway(), each);
  });
});

describe('a type of RudderStack’s alone', () => {
  it.each([
    ['/v1/audiencelist', { userId: 'u' }, 'audiencelist'],
    ['/v1/merge', { userId: 'u' }, 'merge'],
    ['/v1/batch', { batch: [{ type: 'extract' }] }, 'extract'],
    ['/v1/batch', { batch: [{ type: 'record' }] }, 'record'],
  ])('is kept: %s %j', async (path, body, type) => {
    const { ask, store } = await gateway();
    const headers = { authorization: `Basic ${btoa('WK:')}` };
    const answer = await ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
    expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
    expect(store.events).toMatchObject([{ type }]);
  });
});

it('a wrong method is refused without a text, and so without a type', async () => {
  const { ask } = await gateway();
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const answer = await ask('/v1/track', { method });
    expect([answer.status, await answer.text()]).toEqual([405, '']);
    expect(answer.headers.get('content-type')).toBeNull();
    expect(answer.headers.get('allow')).toBe('POST, OPTIONS');
  }
});
