import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { wantsChromium } from '../support/chromium.js';
import { type InspectorBrowser, type OpenInspector, startBrowser } from './browser.js';
import { type FakeApi, startFakeApi } from './fake-api.js';
import { recordOf, trackEvent } from './samples.js';

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
  let browser: InspectorBrowser;
  let api: FakeApi;
  let inspector: OpenInspector | undefined;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    api = await startFakeApi();
    api.records = [
      recordOf({ id: 'd-4', ago: 1_000 }),
      recordOf({ id: 'd-3', ago: 2_000, outcome: 'unauthenticated' }),
      recordOf({ id: 'd-2', ago: 3_000, outcome: 'invalid', events: [trackEvent({ event: 7 })] }),
      recordOf({ id: 'd-1', ago: 4_000, events: [trackEvent(), trackEvent({ messageId: 'm-2' })] }),
    ];
  });
  afterEach(async () => {
    await inspector?.close();
    await api.close();
  });

  describe.each(THEMES)('in %s', (colorScheme) => {
    it.each(Object.entries(VIEWPORTS))('has nothing that axe minds, %s', async (_, viewport) => {
      inspector = await browser.open(api.url, { colorScheme, viewport });
      const { page } = inspector;
      await page
        .getByRole('row', { name: /Order Completed/ })
        .first()
        .waitFor();
      expect(await findings(page)).toEqual([]);
      for (const id of ['d-1', 'd-2', 'd-3']) {
        await page.goto(`${api.url}#/deliveries/${id}`);
        await page.getByRole('heading', { name: 'Verification' }).waitFor();
        expect(await findings(page)).toEqual([]);
      }
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    });
  });
});
