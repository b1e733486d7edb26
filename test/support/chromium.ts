import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Debian's; elsewhere it is where this variable says. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

const hasChromium = existsSync(CHROMIUM);

/** Nothing but the pages: no updates, no reports, no services of the browser's own. */
const FLAGS = [
  ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

/**
 * Whether tests of `what` are to run. In CI a missing browser is a failure; elsewhere it costs these tests, and the run
 * says so.
 */
export function wantsChromium(what: string): boolean {
  const isWanted = hasChromium || process.env['CI'] !== undefined;
  if (!isWanted) {
    process.stderr.write(`SKIPPED: ${what}; install Chromium, or say where it is in CHROMIUM\n`);
  }
  return isWanted;
}
