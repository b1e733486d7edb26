import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium } from '../../support/chromium.js';

/** The inspector open in a tab of its own browser profile. */
export interface OpenInspector {
  readonly page: Page;
  /**
   * What no test may cause, in words: violations of the content security policy, errors on the console or uncaught, and
   * requests to anywhere but the receiver.
   */
  readonly problems: string[];
  close(): Promise<void>;
}

export interface OpenOptions extends BrowserContextOptions {
  /** The part of the address from `#` on. */
  readonly hash?: string;
  /** What the browser says on the console of failures that the test asks for. */
  readonly expected?: RegExp;
}

export interface InspectorBrowser {
  open(url: string, options?: OpenOptions): Promise<OpenInspector>;
  close(): Promise<void>;
}

/** One browser for all tests of a file. */
export async function startBrowser(): Promise<InspectorBrowser> {
  const browser = await launchChromium();
  return {
    open: (url, options = {}) => openPage(browser, url, options),
    close: () => browser.close(),
  };
}

async function openPage(
  browser: Browser,
  url: string,
  { hash = '', expected, ...options }: OpenOptions,
): Promise<OpenInspector> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: 'reduce',
    ...options,
  });
  const page = await context.newPage();
  const problems: string[] = [];
  const origin = new URL(url).origin;
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    const text = message.text();
    if (expected?.test(text) !== true) problems.push(`${message.type()}: ${text}`);
  });
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith(`${origin}/`) && !asked.startsWith(`blob:${origin}/`)) {
      problems.push(`request to ${asked}`);
    }
  });
  await page.goto(`${url}${hash}`);
  return { page, problems, close: () => context.close() };
}
