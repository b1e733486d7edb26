import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import type { JsonObject } from '../../src/core/json.js';
import { launchChromium } from '../support/chromium.js';
import type { Call } from './calls.js';

const require = createRequire(import.meta.url);
const PAGES = new URL('./pages/', import.meta.url);
const SCRIPTS: Readonly<Record<string, string>> = {
  '/segment.js': join(dirname(require.resolve('@segment/analytics-next')), '../umd/index.js'),
  '/rudderstack.js': join(
    dirname(require.resolve('@rudderstack/analytics-js/bundled')),
    '../umd/index.js',
  ),
};

/** What a page needs to know of its receiver and its SDK. */
export interface PageSettings {
  /** Of the receiver, with its port. */
  readonly host: string;
  readonly writeKey: string;
  /** Milliseconds until a batch goes out that is not full; left out, each event goes by itself. */
  readonly batching?: number;
  /** Milliseconds between two beacons; left out, there are none. RudderStack's only. */
  readonly beacon?: number;
}

/** A page of a shop, open in a browser, with a vendor's SDK in it. */
export interface ShopPage {
  /** Makes one call and resolves to the event as the SDK has made it. */
  send(call: Call): Promise<JsonObject>;
  /** Closes the page as a visitor does: its handlers run. */
  leave(): Promise<void>;
}

/** One visitor: pages share what the browser keeps for the shop. */
export interface Visitor {
  open(vendor: 'segment' | 'rudderstack', settings: PageSettings): Promise<ShopPage>;
  close(): Promise<void>;
}

export interface Shop {
  visitor(): Promise<Visitor>;
  close(): Promise<void>;
}

/** A web shop on an origin of its own, and a browser. */
export async function openShop(): Promise<Shop> {
  const server = createServer((request, response) => {
    const path = String(request.url);
    const file = SCRIPTS[path] ?? new URL(`.${path}.html`, PAGES);
    readFile(file).then(
      (content) => {
        const type = path in SCRIPTS ? 'text/javascript' : 'text/html; charset=utf-8';
        response.writeHead(200, { 'content-type': type }).end(content);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await launchChromium();

  return {
    async visitor() {
      const context = await browser.newContext();
      return {
        open: (vendor, settings) => openPage(context, `${origin}/${vendor}`, settings),
        close: () => context.close(),
      };
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function openPage(
  context: BrowserContext,
  url: string,
  settings: PageSettings,
): Promise<ShopPage> {
  const page: Page = await context.newPage();
  await page.goto(`${url}#${encodeURIComponent(JSON.stringify(settings))}`);
  return {
    async send({ type, message }) {
      const given = `${JSON.stringify(type)}, ${JSON.stringify(message)}`;
      return JSON.parse(await page.evaluate(`send(${given}).then(JSON.stringify)`));
    },
    leave: () => page.close({ runBeforeUnload: true }),
  };
}
