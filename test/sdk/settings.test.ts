import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { chromium } from 'playwright-core';
import { expect, it } from 'vitest';
import { eventually, readEvents, startReceiver } from '../support/receiver.js';
import { keyOf, trackingApi } from './receiver.js';

/** Debian's; elsewhere it is where this variable says. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run'];
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];

const require = createRequire(import.meta.url);
const SCRIPTS = {
  segment: join(dirname(require.resolve('@segment/analytics-next')), '../umd/index.js'),
  rudderstack: join(
    dirname(require.resolve('@rudderstack/analytics-js/bundled')),
    '../umd/index.js',
  ),
};

/** Pages that know nothing but the receiver's address and their key. */
const LOADS = {
  segment: (url: string, key: string) =>
    `AnalyticsNext.AnalyticsBrowser.load({ writeKey: '${key}', cdnURL: '${url}' }).track('Opened');`,
  rudderstack: (url: string, key: string) =>
    `const sdk = new rudderanalytics.RudderAnalytics();
     sdk.load('${key}', '${url}', { configUrl: '${url}' });
     sdk.track('Opened');`,
};

// In CI a missing browser is a failure; elsewhere it costs these tests, and the run says so.
const needsBrowser = it.skipIf(!existsSync(CHROMIUM) && process.env['CI'] === undefined);

needsBrowser.each(['segment', 'rudderstack'] as const)(
  'a page with the SDK of %s needs no server but this one',
  async (vendor) => {
    const receiver = await startReceiver({
      config: {
        server: { port: 0 },
        outbox: { path: './data/outbox.db' },
        sources: { sdk: trackingApi(vendor, ['web']) },
        sinks: { archive: { type: 'file', path: './data/events.ndjson', batch: { wait: '1ms' } } },
      },
    });
    const load = LOADS[vendor](receiver.url, keyOf('web'));
    const shop = createServer((request, response) => {
      if (request.url === '/sdk.js') {
        void readFile(SCRIPTS[vendor]).then((script) => response.end(script));
      } else {
        response.setHeader('content-type', 'text/html');
        response.end(
          `<link rel=icon href=data:,><script src=/sdk.js></script><script>${load}</script>`,
        );
      }
    });
    await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [...FLAGS, ...QUIET],
    });
    try {
      const page = await browser.newPage();
      const asked: string[] = [];
      page.on('request', (request) => asked.push(new URL(request.url()).origin));
      await page.goto(origin);
      const events = await eventually(
        () => readEvents(join(receiver.directory, 'data/events.ndjson')),
        ({ length }) => length === 1,
      );
      expect(events).toMatchObject([{ event: 'Opened', receipt: { source: 'web' } }]);
      expect(new Set(asked)).toEqual(new Set([origin, receiver.url]));
    } finally {
      await browser.close();
      shop.close();
      await receiver.end('SIGKILL');
      await rm(receiver.directory, { recursive: true });
    }
  },
);
