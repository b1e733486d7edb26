import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/json.js';
import {
  eventually,
  makeDirectory,
  type Receiver,
  readEvents,
  startReceiver,
} from '../support/receiver.js';
import { everyCall, jsonOf } from './calls.js';
import { VENDORS } from './expected.js';
import { keyOf, trackingApi } from './receiver.js';

let cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

async function start(sources: object, sinks: object): Promise<Receiver> {
  const directory = await makeDirectory();
  cleanups.push(() => rm(directory, { recursive: true }));
  const receiver = await startReceiver({
    directory,
    config: {
      server: { port: 0 },
      outbox: { path: './data/outbox.db' },
      sources,
      sinks: { archive: { type: 'file', path: './data/events.ndjson' }, ...sinks },
    },
  });
  cleanups.push(() => receiver.end());
  return receiver;
}

async function eventsOf({ directory }: Receiver, count: number): Promise<JsonObject[]> {
  const events = await eventually(
    () => readEvents(join(directory, 'data/events.ndjson')),
    (all) => all.length >= count,
  );
  const byId = (a: JsonObject, b: JsonObject): number =>
    String(a['messageId']) < String(b['messageId']) ? -1 : 1;
  return (events as JsonObject[]).sort(byId);
}

/**
 * An event without what each receiver or vendor sets anew: the receipt and times of arrival and sending, the bridge's mark,
 * and, as the manual's table of fields says, what is said in another place there.
 */
function content(event: JsonObject, vendor: string): JsonObject {
  const { receipt, receivedAt, sentAt, request_ip, timestamp, ...rest } = event;
  const { trackbridge, ...context } = rest['context'] as JsonObject;
  if (vendor === 'rudderstack') {
    // The sink says an identify's traits twice, a channel, and all integrations in `segment`.
    const { channel, ...own } = rest;
    const { segment, traits, ...common } = context;
    return { ...own, context: common, timestamp: timestamp ?? null };
  }
  // Segment corrects the time by what lies under way, and takes what it is given for the original one.
  // A name of RudderStack's can mean several destinations of Segment, and a setting goes to each: more names come back.
  const { originalTimestamp, integrations, ...own } = rest;
  return { ...own, context };
}

it.each(VENDORS)(
  'what the sink %s sends comes out of a tracking API of that dialect as it went in',
  async (vendor) => {
    const far = await start({ api: trackingApi(vendor, ['far']) }, {});
    const near = await start(
      { api: trackingApi('rudderstack', ['near']) },
      { onward: { type: vendor, writeKey: keyOf('far'), endpoint: far.url, batch: { size: 4 } } },
    );
    const calls = everyCall().map((call) => ({ ...jsonOf(call), type: call.type }));
    const answer = await fetch(`${near.url}/v1/batch`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${keyOf('near')}:`)}` },
      body: JSON.stringify({ batch: calls }),
    });
    expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
    const went = await eventsOf(near, calls.length);
    const came = await eventsOf(far, calls.length);
    expect(came.map((event) => content(event, vendor))).toEqual(
      went.map((event) => content(event, vendor)),
    );
    for (const [index, event] of came.entries()) {
      expect(event['integrations']).toMatchObject(went[index]?.['integrations'] as JsonObject);
      const shift =
        Date.parse(String(event['timestamp'])) - Date.parse(String(went[index]?.['timestamp']));
      expect(shift).toBeGreaterThanOrEqual(0);
      expect(shift).toBeLessThan(60_000);
      if (vendor === 'rudderstack') expect(shift).toBe(0);
    }
  },
);
