import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { wantsChromium } from '../../support/chromium.js';
import { eventually, type Receiver, readEvents, startReceiver } from '../../support/receiver.js';
import { deliverSegment, trackText } from '../../support/sender.js';
import { type InspectorBrowser, type OpenInspector, startBrowser } from './browser.js';

const SECRET = 'correct-horse-battery';
const TOKEN = 'a-token-of-this-test';

/** A sink's far side: refuses for good until it is told otherwise. */
async function startHook(): Promise<{
  url: string;
  server: Server;
  takes: (now: boolean) => void;
}> {
  let status = 400;
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    server,
    takes: (now) => {
      status = now ? 200 : 400;
    },
  };
}

describe.runIf(wantsChromium('the inspector of the built program'))('the built program', () => {
  let browser: InspectorBrowser;
  let hook: Awaited<ReturnType<typeof startHook>>;
  let receiver: Receiver;
  let inspector: OpenInspector;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    hook = await startHook();
    receiver = await startReceiver({
      config: {
        server: { port: 0 },
        admin: { port: 0, token: TOKEN, record: {} },
        sources: {
          segment: {
            type: 'segment',
            path: '/segment',
            verify: { scheme: 'segment-signature', secrets: [SECRET] },
          },
        },
        sinks: {
          archive: { type: 'file', path: './events.ndjson' },
          hook: { type: 'http', url: hook.url, allowPrivateAddresses: true },
        },
      },
    });
    inspector = await browser.open(`${receiver.adminUrl}/`, {
      hash: `#token=${TOKEN}`,
      expected: /status of 404/,
    });
    await inspector.page.getByRole('heading', { name: 'No delivery yet' }).waitFor();
  });
  afterEach(async () => {
    await inspector.close();
    await receiver.end();
    hook.server.closeAllConnections();
    hook.server.close();
    expect(inspector.problems).toEqual([]);
  });

  const send = (body: string, secret = SECRET): Promise<Response> =>
    deliverSegment(`${receiver.url}/segment`, body, secret);

  it('shows what comes, says why a secret is wrong, and sends again', async () => {
    const { page } = inspector;
    hook.takes(true);
    await send(trackText('m-1'));
    await page.getByRole('row', { name: /200 accepted/ }).waitFor();
    await send(trackText('m-1'));
    await page.getByRole('row', { name: /200 duplicate/ }).waitFor();
    await send('{"type":"nonsense","messageId":"m-2"}');
    await page.getByRole('row', { name: /422 invalid/ }).waitFor();
    await send(trackText('m-3'), 'another-secret-altogether');
    await page
      .getByRole('row', { name: /401 unauthenticated/ })
      .getByRole('link')
      .click();
    await page.getByRole('button', { name: 'Why?' }).click();
    await page.locator('.why-answer p').nth(0).waitFor();
    await eventually(
      () => page.locator('.why-answer').textContent(),
      (text) => /secret/.test(String(text)),
    );
    await page
      .getByRole('row', { name: /200 accepted/ })
      .getByRole('link')
      .click();
    await page.getByText('The signature covers the whole body').waitFor();
    await page.locator('.sink-list').getByText('1 delivered').nth(1).waitFor();
    await page.getByRole('tab', { name: 'Changes' }).click();
    await page.getByRole('rowheader', { name: '/receipt' }).waitFor();
    await page.getByRole('button', { name: 'Replay to sinks' }).click();
    await page.getByText('1 event replayed.').waitFor();
    await eventually(
      () => readEvents(`${receiver.directory}/events.ndjson`),
      (events) => events.length === 2,
    );
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    expect(await page.getByLabel('The curl command').textContent()).toContain(receiver.url);
    await page.getByRole('button', { name: 'Send with new ids' }).click();
    await page.getByText('it was answered 200').waitFor();
    await page.getByRole('link', { name: 'Open the new delivery' }).click();
    await eventually(
      () => page.getByRole('row', { name: /200 accepted/ }).count(),
      (count) => count === 2,
    );
  });

  it('shows a batch with hostile texts as text', async () => {
    const { page } = inspector;
    const hostile = '<img src=x onerror=alert(1)>\u202e';
    const events = [trackText('m-1'), JSON.stringify({ type: 'track', event: hostile })];
    await send(`[${events.join(',')}]`);
    await page.getByRole('row', { name: /\+1/ }).getByRole('link').click();
    await page
      .getByText('The signature covers the whole body')
      .or(page.getByText('The signature covers the first'))
      .waitFor();
    await page.getByRole('button', { name: /onerror/ }).click();
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('#app').textContent()).toContain('onerror=alert(1)>\\u202e');
  });

  it('replays a dead letter once its sink takes it', async () => {
    const { page } = inspector;
    await send(trackText('m-1'));
    await page.getByRole('row', { name: /hook: 1 dead/ }).waitFor();
    await page.getByRole('link', { name: /Dead letters/ }).click();
    await page.locator('tbody a').click();
    await page.getByRole('heading', { name: 'Attempts' }).waitFor();
    hook.takes(true);
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    await page.getByText('1 dead letter replayed.').waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    // Nothing waits, one is delivered and none filtered, no dead letter is left.
    const row = page.getByRole('row', { name: /hook/ });
    await eventually(
      () => row.textContent(),
      (text) => /running.*closed.*0–100/.test(String(text)),
    );
  });
});
