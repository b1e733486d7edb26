// Takes the picture of the inspector that the manual shows: the built program with three sinks, one of them down, and the
// deliveries of an afternoon. `npm run docs:image` needs Chromium.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { launchChromium } from '../../support/chromium.js';
import { ROOT } from '../../support/manual.js';
import { type Receiver, runCommand, startReceiver } from '../../support/receiver.js';

const SEGMENT = 'correct-horse-battery';
const RUDDERSTACK = 'staple-of-the-rudder';
const TOKEN = 'a-token-for-the-picture';
const IMAGE = join(ROOT, 'docs/images/inspector.png');

async function startHook(status: number): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

function configOf(orders: string, crm: string): object {
  const http = { type: 'http', allowPrivateAddresses: true };
  return {
    server: { port: 0 },
    admin: { port: 0, token: TOKEN, record: {} },
    sources: {
      segment: {
        type: 'segment',
        verify: { scheme: 'segment-signature', secrets: [SEGMENT] },
      },
      rudderstack: {
        type: 'rudderstack',
        verify: { scheme: 'shared-secret', secrets: [RUDDERSTACK] },
      },
    },
    sinks: {
      archive: { type: 'file', path: './events.ndjson' },
      orders: { ...http, url: orders, where: { events: ['Order *'] }, batch: { wait: '10ms' } },
      crm: { ...http, url: crm, where: { types: ['identify'] }, retry: { initial: '500ms' } },
    },
  };
}

/** What happens on an ordinary day: purchases, a campaign, a GET, a duplicate, a wrong secret. */
async function send(receiver: Receiver): Promise<void> {
  const to = (source: string, ...args: string[]) =>
    runCommand(['send', '--to', `${receiver.url}/${source}`, '--as', source, ...args], {
      env: { SEGMENT_SHARED_SECRET: SEGMENT, RUDDERSTACK_SHARED_SECRET: RUDDERSTACK },
      cwd: receiver.directory,
    });
  const order = join(receiver.directory, 'order.json');
  await writeFile(
    order,
    JSON.stringify({
      type: 'track',
      event: 'Order Completed',
      messageId: 'ord-50314b8e9bcf',
      userId: 'u-7f3a',
      properties: { order_id: '50314b8e9bcf', total: 27.5, currency: 'USD' },
      timestamp: '2026-11-21T14:06:57.119Z',
    }),
  );
  await to('segment', '--type', 'ecommerce', '--count', '9');
  await to('rudderstack', '--method', 'GET');
  await to('segment', '--type', 'engage', '--count', '2');
  await sendRewritten(receiver);
  await to('segment', '--batch', '25');
  await to('rudderstack', '--type', 'identify');
  await to('segment', '--file', order);
  await to('segment', '--file', order);
  await to('rudderstack', '--type', 'page');
  await to('segment', '--type', 'identify');
  await to('rudderstack', '--event', 'Product Added');
}

/** A delivery that a proxy has parsed and written anew, so that its signature is invalid. */
async function sendRewritten(receiver: Receiver): Promise<void> {
  const event = {
    type: 'track',
    event: 'Checkout Started',
    messageId: 'ord-50314b8e9bce',
    userId: 'u-7f3a',
    properties: { order_id: '50314b8e9bce', value: 27.5 },
  };
  const signed = createHmac('sha1', SEGMENT).update(JSON.stringify(event)).digest('hex');
  await fetch(`${receiver.url}/segment`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-signature': signed },
    body: JSON.stringify(event, null, 2),
  });
}

async function takePicture(receiver: Receiver): Promise<void> {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1320, height: 820 } });
    await page.goto(`${receiver.adminUrl}/#token=${TOKEN}`);
    await page.getByText('Product Added').first().waitFor();
    await page.getByText('401').first().click();
    await page.getByRole('button', { name: 'Why?' }).click();
    await page.getByText('Send it again').or(page.getByText('pars')).first().waitFor();
    await page.mouse.move(0, 0);
    await mkdir(join(ROOT, 'docs/images'), { recursive: true });
    await page.screenshot({ path: IMAGE });
  } finally {
    await browser.close();
  }
}

const [good, down] = [await startHook(200), await startHook(503)];
const receiver = await startReceiver({ config: configOf(good.url, down.url) });
try {
  await send(receiver);
  await takePicture(receiver);
} finally {
  await receiver.end();
  good.server.close();
  down.server.close();
}
process.stdout.write(`${IMAGE}\n`);
