import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/json.js';
import { type Call, everyCall, jsonOf, TIME, track } from './calls.js';
import { added, contextOf, expectTimes, VENDORS, type VendorName } from './expected.js';
import { NODE_SDKS, type NodeSdk } from './node-clients.js';
import { keyOf, type SdkReceiver, sdkReceiver, trackingApi } from './receiver.js';

/** The whole canonical event of a call. Times are checked by themselves: they are the clock's, and each vendor's rule. */
function expectedOf({ type, message }: Call, sdk: NodeSdk, dialect: VendorName): object {
  const { timestamp: _, context, ...sent } = jsonOf({ type, message });
  const traits = sent['traits'] ?? {};
  // RudderStack's SDK says an identify's traits twice.
  const twice = sdk.vendor === 'rudderstack' && type === 'identify' && 'traits' in sent;
  return {
    ...sent,
    ...sdk.own,
    type,
    ...(type === 'identify' && { traits }),
    ...addedBy(sdk, type, sent),
    ...added(sdk.name, dialect),
    context: {
      ...contextOf(Object(context), dialect),
      ...(twice && { traits }),
      library: { name: sdk.library.name, version: expect.stringMatching(sdk.library.version) },
    },
    integrations: sent['integrations'] ?? {},
  };
}

/** Segment's newer SDKs always send the object that a method takes, and repeat a page's category in its properties. */
function addedBy({ library }: NodeSdk, type: Call['type'], sent: JsonObject): object {
  if (library.name !== '@segment/analytics-node') return {};
  const { category } = sent;
  if (type === 'group') return { traits: sent['traits'] ?? {} };
  if (type !== 'track' && type !== 'page' && type !== 'screen') return {};
  const properties = Object(sent['properties']);
  return { properties: category === undefined ? properties : { ...properties, category } };
}

describe.each(VENDORS)('the dialect %s', (dialect) => {
  let receiver: SdkReceiver;
  beforeAll(async () => {
    const names = NODE_SDKS.flatMap(({ name }) => [name, `${name}-at-length`]);
    receiver = await sdkReceiver({ sdks: trackingApi(dialect, names) });
  });
  afterAll(() => receiver.close());

  it.each(NODE_SDKS)('takes every call of $name, once and whole', async (sdk) => {
    const client = sdk.open(receiver.url, { writeKey: keyOf(sdk.name), flushAt: 4 });
    const calls = everyCall();
    await Promise.all(calls.map((call) => client.send(call)));
    const ids = calls.map(({ message }) => message.messageId);
    const events = await receiver.exactly(sdk.name, ids);
    for (const call of everyCall()) {
      const event = events.find(({ messageId }) => messageId === call.message.messageId) ?? {};
      expect(event).toEqual(expectedOf(call, sdk, dialect));
      expectTimes(event, dialect, 'timestamp' in call.message ? TIME : undefined);
    }
  });

  it.each(NODE_SDKS.filter(({ vendor }) => vendor === dialect))(
    'takes a burst of a thousand events of $name, each once',
    async ({ name, open }) => {
      const source = `${name}-at-length`;
      const client = open(receiver.url, { writeKey: keyOf(source), flushAt: 20 });
      const ids = Array.from({ length: 1_000 }, (_, index) => `m-${index}`);
      await Promise.all(ids.map((id) => client.send(track(id))));
      await receiver.exactly(source, ids);
    },
  );
});
