import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  eventually,
  makeDirectory,
  type Receiver,
  readEvents,
  startReceiver,
} from '../support/receiver.js';
import { deliverSegment, trackText } from '../support/sender.js';

let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.end('SIGKILL');
});

const start = async (options: Parameters<typeof startReceiver>[0] = {}): Promise<Receiver> => {
  receiver = await startReceiver({ ...options, env: { PORT: '0', ...options.env } });
  return receiver;
};

const shownSecret = (text: string, label: RegExp): string => {
  const found = label.exec(text)?.[1];
  if (found === undefined) throw new Error(`no secret in: ${text}`);
  return found;
};
const SEGMENT_SECRET = /Shared Secret\s+(\S+)/;
const RUDDERSTACK_SECRET = /x-signature: (\S+)/;

describe('the program without any configuration', () => {
  it('makes secrets, keeps them for the next start, and shows what to paste where', async () => {
    const directory = await makeDirectory();
    const first = await start({ directory });
    const segment = shownSecret(first.stderr(), SEGMENT_SECRET);
    const rudderstack = shownSecret(first.stderr(), RUDDERSTACK_SECRET);
    expect(first.stderr()).toContain(`${first.url}/segment`);
    expect(first.stderr()).toContain(`${first.url}/rudderstack`);
    expect(segment).not.toBe(rudderstack);
    expect((await stat(join(directory, 'data/secrets.json'))).mode & 0o777).toBe(0o600);
    expect(await first.end()).toBe(0);

    const second = await start({ directory });
    expect(shownSecret(second.stderr(), SEGMENT_SECRET)).toBe(segment);
  });

  it('takes what both vendors deliver, writes it to a file, and a readable line to the terminal', async () => {
    const { url, directory, stdout, stderr } = await start();
    const secret = shownSecret(stderr(), SEGMENT_SECRET);
    const signed = await deliverSegment(`${url}/segment`, trackText('m-1'), secret);
    expect(signed.status).toBe(200);
    expect(await signed.json()).toEqual({
      status: 'accepted',
      accepted: 1,
      duplicates: 0,
      quarantined: 0,
    });

    const headers = { 'x-signature': shownSecret(stderr(), RUDDERSTACK_SECRET) };
    const get = await fetch(`${url}/rudderstack?price=60&order_id=1`, { headers });
    expect(get.status).toBe(200);

    const file = join(directory, 'data/events.ndjson');
    const events = await eventually(
      () => readEvents(file),
      (all) => all.length === 2,
    );
    expect(events.find((event) => event['messageId'] === 'm-1')).toMatchObject({
      type: 'track',
      event: 'Order Completed',
      receipt: {
        source: 'segment',
        vendor: 'segment',
        authenticated: true,
        verifiedBy: 'segment-signature',
      },
    });
    expect(events.find((event) => event['messageId'] !== 'm-1')).toMatchObject({
      type: 'track',
      properties: { price: 60, order_id: '1' },
      receipt: { source: 'rudderstack', method: 'GET', messageIdGenerated: true },
    });
    await eventually(stdout, (text) => text.includes('Order Completed'));
    expect((await stat(file)).mode & 0o077).toBe(0);
  });

  it('takes its secrets from the environment and does not show them', async () => {
    const env = {
      SEGMENT_SHARED_SECRET: 'from-the-environment',
      RUDDERSTACK_SHARED_SECRET: 'another-of-that-kind',
    };
    const { url, stderr } = await start({ env });
    expect(
      (await deliverSegment(`${url}/segment`, trackText('m-1'), env.SEGMENT_SHARED_SECRET)).status,
    ).toBe(200);
    expect(stderr()).not.toContain('from-the-environment');
  });
});
