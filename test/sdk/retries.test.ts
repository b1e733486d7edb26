import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/receiver.js';
import { track } from './calls.js';
import { VENDORS } from './expected.js';
import { NODE_SDKS, type NodeSdk } from './node-clients.js';
import { keyOf, type SdkReceiver, sdkReceiver, trackingApi } from './receiver.js';
import { type Relay, startRelay } from './relay.js';

/** A source for each SDK below a path of its own: a rate is a source's, and each SDK is to have its own. */
function sourcesOf(more: object): object {
  const sources = NODE_SDKS.map(({ name, vendor }, index) => [
    `sdk-${index}`,
    trackingApi(vendor, [name], { path: `/${index}`, ...more }),
  ]);
  return Object.fromEntries(sources);
}

const pathOf = (sdk: NodeSdk): string => `/${NODE_SDKS.indexOf(sdk)}`;
const idsOf = (what: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${what}-${index}`);

/**
 * Segment's SDK 2 means to read `X-RateLimit-Reset`, but looks for it where no header is, and gives up after three
 * retries within a second. The manual says so.
 */
const RETRIES: Readonly<Record<string, { readonly retries: number }>> = {
  'segment-analytics-node-2': { retries: 10 },
};

/** One event a request, with the retries that an SDK has by itself where no others are given. */
async function sendAll(
  sdk: NodeSdk,
  relay: Relay,
  ids: readonly string[],
  options: { readonly retries?: number } = {},
): Promise<void> {
  const client = sdk.open(relay.url, { writeKey: keyOf(sdk.name), flushAt: 1, ...options });
  await Promise.all(ids.map((id) => client.send(track(id))));
}

describe('on a bad day', () => {
  let receiver: SdkReceiver;
  beforeAll(async () => {
    receiver = await sdkReceiver(sourcesOf({}));
  });
  afterAll(() => receiver.close());

  it.concurrent.each(NODE_SDKS)('$name loses and doubles nothing', async (sdk) => {
    const relay = await startRelay(`${receiver.url}${pathOf(sdk)}`);
    const soon = { 'retry-after': '1' };
    // No more than three: some send one request after the other, and give up after as many.
    relay.faults.push({ status: 503, headers: soon }, 'answer lost', {
      status: 429,
      headers: soon,
    });
    const ids = idsOf('m', 6);
    await sendAll(sdk, relay, ids);
    expect(relay.failed).toBe(3);
    await receiver.exactly(sdk.name, ids);
    await relay.close();
  });
});

describe('over a rate limit', () => {
  let receiver: SdkReceiver;
  beforeAll(async () => {
    receiver = await sdkReceiver(sourcesOf({ rateLimit: { perSecond: 2, burst: 1 } }));
  });
  afterAll(() => receiver.close());

  it.concurrent.each(NODE_SDKS)('$name waits as it is told and brings all', async (sdk) => {
    const relay = await startRelay(`${receiver.url}${pathOf(sdk)}`);
    const ids = idsOf('m', 3);
    await sendAll(sdk, relay, ids, RETRIES[sdk.name]);
    expect(relay.failed).toBeGreaterThan(0);
    await receiver.exactly(sdk.name, ids);
    await relay.close();
  });
});

describe('while the receiver is started again', () => {
  it.concurrent.each(['SIGTERM', 'SIGKILL'] as const)(
    'by %s, all bring all, each once',
    async (signal) => {
      const sources = VENDORS.map((dialect) => [
        dialect,
        trackingApi(
          dialect,
          NODE_SDKS.filter(({ vendor }) => vendor === dialect).map(({ name }) => name),
          { path: `/${dialect}` },
        ),
      ]);
      const receiver = await sdkReceiver(Object.fromEntries(sources));
      const relays = await Promise.all(
        VENDORS.map(
          async (dialect) => [dialect, await startRelay(`${receiver.url}/${dialect}`)] as const,
        ),
      );
      const byDialect = Object.fromEntries(relays) as Record<(typeof VENDORS)[number], Relay>;
      const all = Object.values(byDialect);
      const clients = NODE_SDKS.map(({ name, vendor, open }) => ({
        name,
        // Of the defaults some end after a few seconds, which a start may take on a busy machine.
        client: open(byDialect[vendor].url, { writeKey: keyOf(name), flushAt: 5, retries: 10 }),
      }));
      const send = (ids: readonly string[]): Promise<unknown> =>
        Promise.all(clients.flatMap(({ client }) => ids.map((id) => client.send(track(id)))));
      const before = send(idsOf('before', 100));
      await eventually(
        () => all.map(({ taken }) => taken),
        (taken) => taken.every((count) => count > 5),
      );
      const restarted = receiver.restart(signal);
      const during = send(idsOf('during', 50));
      await restarted;
      for (const dialect of VENDORS) byDialect[dialect].to = `${receiver.url}/${dialect}`;
      await Promise.all([before, during, send(idsOf('after', 20))]);
      for (const { failed } of all) expect(failed).toBeGreaterThan(0);
      const ids = [...idsOf('before', 100), ...idsOf('during', 50), ...idsOf('after', 20)];
      for (const { name } of clients) await receiver.exactly(name, ids);
      for (const relay of all) await relay.close();
      await receiver.close();
    },
  );
});
