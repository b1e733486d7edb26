import { describe, expect, it } from 'vitest';
import { wantsChromium } from '../../support/chromium.js';
import { useInspector } from './harness.js';
import { deadLetters, quarantined, statsAt } from './samples.js';

describe.runIf(wantsChromium('quarantine, dead letters and overview'))('what waits', () => {
  const inspector = useInspector();

  it('is listed in pages, narrowed by source, and searched', async () => {
    inspector.api.entries.set('quarantine', quarantined(130));
    const page = await inspector.open({ hash: '#/quarantine' });
    await page.getByText('1 to 100').waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('101 to 130').waitFor();
    await page.getByRole('button', { name: 'Previous' }).click();
    await page.getByText('1 to 100').waitFor();
    await page.getByLabel('Source').selectOption('rudderstack');
    await page.locator('tbody tr').nth(64).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(65);
    await page.getByLabel('Search this page').fill('d-42');
    await page.getByLabel('Select entry 42').waitFor();
    expect(await page.locator('tbody tr').count()).toBe(1);
  });

  it('is replayed one by one and selected, without a question', async () => {
    inspector.api.entries.set('dead-letters', deadLetters(5));
    const page = await inspector.open({ hash: '#/dead-letters' });
    await page.getByLabel('Select entry 2').check();
    await page.getByLabel('Select entry 4').check();
    await page.getByRole('button', { name: 'Replay selected (2)' }).click();
    await page.getByText('2 dead letters replayed.').waitFor();
    await page.locator('tbody a').first().click();
    await page.getByRole('heading', { name: 'Dead letter 1' }).waitFor();
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    await page.getByText('1 dead letter replayed.').waitFor();
    expect(await page.locator('.detail-pane').count()).toBe(0);
    expect(inspector.api.changes).toEqual([
      { path: '/api/dead-letters/replay', body: { ids: ['2', '4'] } },
      { path: '/api/dead-letters/replay', body: { ids: ['1'] } },
    ]);
  });

  it('stays where its sink has no room, and the page says how many', async () => {
    inspector.api.entries.set('dead-letters', deadLetters(4));
    inspector.api.full.add('orders');
    const page = await inspector.open({ hash: '#/dead-letters' });
    await page.getByRole('button', { name: 'Replay all' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Replay' }).click();
    await page.getByText('2 dead letters replayed.').waitFor();
    await page.getByText('2 entries remain: sink orders has no room').waitFor();
  });

  it('is purged only after a question, and all of it only of the source that is shown', async () => {
    inspector.api.entries.set('quarantine', quarantined(4));
    const page = await inspector.open({ hash: '#/quarantine' });
    await page.getByRole('button', { name: 'Purge all' }).click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(inspector.api.changes).toEqual([]);
    await page.getByLabel('Source').selectOption('segment');
    await page.getByLabel('Select entry 2').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Purge all' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Purge' }).click();
    await page.getByText('2 quarantined events purged.').waitFor();
    await page.getByRole('heading', { name: 'Nothing here' }).waitFor();
    expect(inspector.api.changes).toEqual([
      { path: '/api/quarantine/purge', body: { all: true, name: 'segment' } },
    ]);
  });

  it('is counted beside its name, and drawn over time', async () => {
    const { sinks } = statsAt(0);
    const named = sinks.map((sink) => ({
      ...sink,
      deadLetters: 3,
      lastError: 'answered 503',
      failuresInARow: 7,
    }));
    const sources = [{ name: 'segment', authentication: 'suspect', refused: 23 }];
    inspector.api.stats = {
      accepted: 18_231,
      duplicates: 4,
      inQuarantine: 12,
      pending: 41,
      sources,
      sinks: named,
    };
    const page = await inspector.open({ hash: '#/overview' });
    await page.getByRole('link', { name: 'Dead letters 6' }).waitFor();
    await page.getByRole('link', { name: 'Quarantine 12' }).waitFor();
    await page.getByText('the secret may have changed').waitFor();
    const now = Date.now();
    for (let second = 60; second >= 0; second--) {
      inspector.api.tell('stats', statsAt(now - second * 1000));
    }
    const said =
      'Latency, last ten minutes. median: now 2.5 ms, highest 2.5 ms; p99: now 31 ms, highest 31 ms.';
    await page.getByRole('img', { name: said }).waitFor();
    const row = page.getByRole('row', { name: /orders/ });
    expect(await row.textContent()).toMatch(
      /backing-off.*open.*41.*2 min.*answered 503.*7 failures in a row/,
    );
  });
});
