import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { wantsChromium } from '../../support/chromium.js';
import { useInspector } from './harness.js';
import { deadLetters, quarantined, recordOf, statsAt, trackEvent } from './samples.js';

/** What axe finds wrong with the page, as `rule: element`. Evaluated past the page's content security policy. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return await page.evaluate(`axe.run().then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html.slice(0, 200))))`);
}

const THEMES = ['light', 'dark'] as const;
const VIEWPORTS = {
  wide: { width: 1440, height: 900 },
  phone: { width: 360, height: 740 },
} as const;

describe.runIf(wantsChromium('the inspector’s accessibility'))('for everybody', () => {
  const inspector = useInspector();
  beforeEach(() => {
    inspector.api.records = [
      recordOf({ id: 'd-4', ago: 1_000 }),
      recordOf({ id: 'd-3', ago: 2_000, outcome: 'unauthenticated' }),
      recordOf({ id: 'd-2', ago: 3_000, outcome: 'invalid', events: [trackEvent({ event: 7 })] }),
      recordOf({ id: 'd-1', ago: 4_000, events: [trackEvent(), trackEvent({ messageId: 'm-2' })] }),
    ];
    inspector.api.entries.set('quarantine', quarantined(3));
    inspector.api.entries.set('dead-letters', deadLetters(3));
  });

  describe.each(THEMES)('in %s', (colorScheme) => {
    it.each(Object.entries(VIEWPORTS))('has nothing that axe minds, %s', async (_, viewport) => {
      const page = await inspector.open({ colorScheme, viewport });
      await page.locator('.row a').first().waitFor();
      expect(await findings(page)).toEqual([]);
      for (const [hash, heading] of [
        ['#/deliveries/d-1', 'Verification'],
        ['#/deliveries/d-2', 'Verification'],
        ['#/deliveries/d-3', 'Verification'],
        ['#/quarantine', 'Quarantine'],
        ['#/quarantine/2', 'Errors'],
        ['#/dead-letters/2', 'Attempts'],
        ['#/overview', 'Sinks'],
      ]) {
        await page.goto(`${inspector.api.url}${hash}`);
        await page.getByRole('heading', { name: String(heading), exact: true }).waitFor();
        if (hash === '#/overview') {
          inspector.api.tell('stats', statsAt(Date.now()));
          await page.getByText('backing-off').waitFor();
        }
        expect(await findings(page), hash).toEqual([]);
        const isWithin = 'document.documentElement.scrollWidth <= innerWidth';
        expect(await page.evaluate(isWithin), hash).toBe(true);
      }
    });
  });
});
