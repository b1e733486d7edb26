import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { wantsChromium } from '../../support/chromium.js';
import { eventually } from '../../support/receiver.js';
import { useInspector } from './harness.js';
import { recordOf, trackEvent } from './samples.js';

const named = (index: number) =>
  recordOf({
    id: `d-${String(index).padStart(5, '0')}`,
    ago: 10_000_000 - index * 1000,
    events: [trackEvent({ event: `Event ${index}` })],
    outcome: index % 3 === 0 ? 'unauthenticated' : 'accepted',
    source: index % 2 === 0 ? 'segment' : 'rudderstack',
  });
/** Newest first. */
const many = (count: number) => Array.from({ length: count }, (_, index) => named(count - index));
const focusedId = (page: Page): Promise<string | undefined> =>
  page.evaluate(`document.activeElement.dataset.id`);
const PHONE = { width: 390, height: 844 };

describe.runIf(wantsChromium('the list of deliveries'))('the list of deliveries', () => {
  const inspector = useInspector();

  it('has thousands, and only those in sight on the page', async () => {
    inspector.api.records = many(3_000);
    const page = await inspector.open();
    await page.getByText('3,000 deliveries').waitFor();
    expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe('3001');
    expect(await page.getByRole('row').count()).toBeLessThan(80);
    await page.evaluate(`document.querySelector('.deliveries').scrollTop = 1e9`);
    await page.locator('[data-id="d-00001"]').waitFor();
    expect(await page.getByRole('row').count()).toBeLessThan(80);
  });

  it('is narrowed by filters and search, and says so', async () => {
    inspector.api.records = many(12);
    const page = await inspector.open();
    await page.getByText('12 deliveries').waitFor();
    await page.getByLabel('Outcome').selectOption('refused');
    await page.getByText('4 of 12').waitFor();
    await page.getByLabel('Source').selectOption('rudderstack');
    await page.getByText('2 of 12').waitFor();
    await page.getByLabel('Search deliveries').fill('no such thing');
    await page.getByRole('heading', { name: 'Nothing matches' }).waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByText('12 deliveries').waitFor();
    await page.getByLabel('Search deliveries').fill('event 10');
    await page.getByText('1 of 12').waitFor();
  });

  it('stands still while it is paused, and shows what came meanwhile after that', async () => {
    inspector.api.records = many(3);
    const page = await inspector.open();
    await page.getByText('3 deliveries').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    for (const index of [4, 5]) inspector.api.deliver(named(index));
    await page.getByRole('button', { name: 'Resume (2 new)' }).waitFor();
    expect(await page.locator('.row a').count()).toBe(3);
    await page.getByRole('button', { name: 'Resume (2 new)' }).click();
    await page.getByText('5 deliveries').waitFor();
    expect(await page.locator('.row a').first().getAttribute('data-id')).toBe('d-00005');
  });

  it('keeps what is being read where it is', async () => {
    inspector.api.records = many(300);
    const page = await inspector.open();
    await page.getByText('300 deliveries').waitFor();
    await page.evaluate(`document.querySelector('.deliveries').scrollTop = 3400`);
    const row = page.locator('[data-id="d-00195"]');
    await row.waitFor();
    const before = await row.boundingBox();
    for (const index of [301, 302, 303]) inspector.api.deliver(named(index));
    await page.getByRole('button', { name: '3 new deliveries' }).waitFor();
    await eventually(
      () => row.boundingBox(),
      (box) => box?.y === before?.y,
    );
    await page.getByRole('button', { name: '3 new deliveries' }).click();
    await page.locator('[data-id="d-00303"]').waitFor();
  });

  it('is gone through by keys', async () => {
    inspector.api.records = many(60);
    const page = await inspector.open();
    await page.getByText('60 deliveries').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('ArrowDown');
    await eventually(
      () => focusedId(page),
      (id) => id === 'd-00058',
    );
    await page.keyboard.press('k');
    await eventually(
      () => focusedId(page),
      (id) => id === 'd-00059',
    );
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Verification' }).waitFor();
    await page.keyboard.press('j');
    await eventually(
      () => page.url(),
      (url) => url.endsWith('#/deliveries/d-00058'),
    );
    await page.keyboard.press('Escape');
    await eventually(
      () => page.url(),
      (url) => url.endsWith('#/deliveries'),
    );
    await eventually(
      () => focusedId(page),
      (id) => id === 'd-00058',
    );
    await page.keyboard.press('/');
    await page.keyboard.type('jk/');
    expect(await page.getByLabel('Search deliveries').inputValue()).toBe('jk/');
  });

  it('goes on by arrows from the row that Tab led to', async () => {
    inspector.api.records = many(3);
    const page = await inspector.open();
    await page.getByText('3 deliveries').waitFor();
    await page.getByRole('button', { name: 'Pause' }).focus();
    await page.keyboard.press('Tab');
    expect(await focusedId(page)).toBe('d-00003');
    await page.keyboard.press('ArrowDown');
    await eventually(
      () => focusedId(page),
      (id) => id === 'd-00002',
    );
  });

  it('is left for a delivery on a phone, and come back to', async () => {
    inspector.api.records = many(5);
    const page = await inspector.open({ viewport: PHONE, hasTouch: true });
    await page.locator('[data-id="d-00004"]').click();
    await page.getByRole('heading', { name: 'Verification' }).waitFor();
    expect(await page.locator('.list-pane').isVisible()).toBe(false);
    expect(await page.evaluate('document.activeElement.id')).toBe('detail-title');
    await page.goBack();
    await page.locator('[data-id="d-00004"]').waitFor();
    expect(await page.locator('.detail-pane').count()).toBe(0);
    await page.locator('[data-id="d-00003"]').click();
    await page.getByRole('button', { name: 'Back to the list' }).click();
    await page.locator('[data-id="d-00003"]').waitFor();
  });

  it('is light or dark by the system or by choice, which is remembered', async () => {
    const page = await inspector.open({ colorScheme: 'dark' });
    const ground = (): Promise<string> =>
      page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    expect(await ground()).toBe('rgb(16, 20, 26)');
    await page.getByRole('button', { name: 'Theme: auto. Change to light.' }).click();
    expect(await ground()).toBe('rgb(244, 246, 248)');
    await page.reload();
    await page.getByRole('button', { name: 'Theme: light. Change to dark.' }).waitFor();
    expect(await ground()).toBe('rgb(244, 246, 248)');
  });
});
