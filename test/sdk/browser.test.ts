import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/core/json.js';
import { wantsChromium } from '../support/chromium.js';
import { eventually } from '../support/receiver.js';
import { type Call, everyCall, jsonOf, track } from './calls.js';
import { openShop, type PageSettings, type Shop, type ShopPage, type Visitor } from './chromium.js';
import { added, expectTimes, VENDORS, type VendorName } from './expected.js';
import { keyOf, type SdkReceiver, sdkReceiver, trackingApi } from './receiver.js';
import { type Relay, startRelay } from './relay.js';

/** RudderStack's SDK has no `screen` in browsers, and makes objects of some arrays in arrays. */
function callsOf(vendor: VendorName): readonly Call[] {
  if (vendor === 'segment') return everyCall();
  const known = everyCall().filter(({ type }) => type !== 'screen');
  return JSON.parse(JSON.stringify(known), (key, value) => (key === 'nested' ? undefined : value));
}

/** The whole canonical event of one that an SDK has made. */
function expectedOf(
  made: JsonObject,
  vendor: VendorName,
  dialect: VendorName,
  source: string,
): object {
  const { userId, ...sent } = vendor === 'rudderstack' ? withoutNulls(made) : made;
  // Both vendors write down where a page is.
  const context: JsonObject = { ip: '127.0.0.1', ...Object(sent['context']) };
  return {
    ...sent,
    // RudderStack's SDK writes an empty text for nobody, and an identify's traits into the context only.
    ...(userId !== '' && { userId }),
    ...(sent['type'] === 'identify' && { traits: sent['traits'] ?? context['traits'] }),
    ...(vendor === 'segment' && {
      _metadata: expect.objectContaining({ bundled: ['Segment.io'] }),
    }),
    // Where a page says how it came to have the SDK.
    context: {
      ...context,
      library: expect.objectContaining({ name: Object(context['library']).name }),
    },
    ...added(source, dialect),
  };
}

/** RudderStack's SDK leaves out of objects what is null. */
function withoutNulls(value: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(value), function (this: JsonValue, _, each: JsonValue) {
    return each === null && !Array.isArray(this) ? undefined : each;
  });
}

/** What of a call must be in its event, whatever an SDK adds. Who somebody is, the browser keeps in mind. */
function saidIn({ type, message }: Call, vendor: VendorName): JsonObject {
  const { messageId, timestamp, integrations, anonymousId, userId, ...said } = jsonOf({
    type,
    message,
  });
  const who = (type === 'identify' || type === 'alias') && userId !== undefined ? { userId } : {};
  return vendor === 'rudderstack' ? withoutNulls({ ...said, ...who }) : { ...said, ...who };
}

const ONE_BY_ONE = {};
const IN_BATCHES = { batching: 200 };
/** Milliseconds that no test lasts: what is sent before is sent for another reason. */
const NEVER = 3_600_000;
/** Nothing listens there. */
const NOWHERE = 'http://127.0.0.1:1';

describe.runIf(wantsChromium('the SDKs in a browser'))('a page of another origin', () => {
  let shop: Shop;
  let visitor: Visitor;
  beforeAll(async () => {
    shop = await openShop();
  });
  afterAll(() => shop.close());
  beforeEach(async () => {
    visitor = await shop.visitor();
  });
  afterEach(() => visitor.close());

  describe.each(VENDORS)('with a receiver in the dialect %s', (dialect) => {
    // Each test has a source, and so messageIds, of its own.
    const sources = Array.from({ length: 20 }, (_, index) => `web-${index}`);
    let receiver: SdkReceiver;
    let relay: Relay;
    let source: string;
    beforeAll(async () => {
      receiver = await sdkReceiver({ sdk: trackingApi(dialect, sources) });
    });
    afterAll(() => receiver.close());
    beforeEach(async () => {
      relay = await startRelay(receiver.url);
      source = String(sources.shift());
    });
    afterEach(() => relay.close());

    const open = (vendor: VendorName, how: Partial<PageSettings>): Promise<ShopPage> =>
      visitor.open(vendor, { host: new URL(relay.url).host, writeKey: keyOf(source), ...how });
    const sendAll = async (page: ShopPage, calls: readonly Call[]): Promise<JsonObject[]> => {
      const made: JsonObject[] = [];
      for (const call of calls) made.push(await page.send(call));
      return made;
    };
    const exactly = (made: readonly JsonObject[], within?: number): Promise<JsonObject[]> => {
      const ids = made.map(({ messageId }) => String(messageId));
      return receiver.exactly(source, ids, within);
    };

    describe.each(VENDORS)('the SDK of %s', (vendor) => {
      it.each([
        ['one by one', ONE_BY_ONE],
        ['in batches', IN_BATCHES],
      ])('brings every call once and whole, %s', async (_, how) => {
        const made = await sendAll(await open(vendor, how), callsOf(vendor));
        const events = await exactly(made);
        for (const [index, call] of callsOf(vendor).entries()) {
          const own = made[index] ?? {};
          const event = events.find(({ messageId }) => messageId === own['messageId']) ?? {};
          expect(event).toEqual(expectedOf(own, vendor, dialect, source));
          expect(event).toMatchObject(saidIn(call, vendor));
          const said = own['timestamp'];
          expectTimes(event, dialect, typeof said === 'string' ? said : undefined);
        }
        expect(relay.preflights).toBeGreaterThan(0);
      });
    });

    describe('the SDK of the same vendor', () => {
      const vendor = dialect;

      it.each([
        ['one by one', ONE_BY_ONE],
        ['in batches', IN_BATCHES],
      ])('comes again when it is told to, %s', async (_, how) => {
        const soon = { 'retry-after': '1' };
        relay.faults.push({ status: 503, headers: soon }, 'answer lost');
        relay.faults.push({ status: 429, headers: soon });
        const made = await sendAll(await open(vendor, how), tracks(9));
        await exactly(made);
        expect(relay.failed).toBe(3);
      });

      it('keeps for the next visit what it could not send', { timeout: 60_000 }, async () => {
        relay.to = NOWHERE;
        const page = await open(vendor, ONE_BY_ONE);
        const made = await sendAll(page, tracks(3));
        await eventually(
          () => relay.failed,
          (count) => count > 0,
        );
        await page.leave();
        relay.to = receiver.url;
        await open(vendor, ONE_BY_ONE);
        // RudderStack's SDK waits for ten seconds to see whether the other page is still there.
        await exactly(made, 30_000);
      });

      it('sends what is left while its page is being closed', async () => {
        const how = vendor === 'segment' ? { batching: NEVER } : { beacon: NEVER };
        const page = await open(vendor, how);
        const made = await sendAll(page, tracks(3));
        expect(relay.taken).toBe(0);
        await page.leave();
        await exactly(made);
      });
    });
  });
});

function tracks(count: number): readonly Call[] {
  return Array.from({ length: count }, (_, index) => track(`m-${index}`));
}
