import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { wantsChromium } from '../../support/chromium.js';
import { eventually } from '../../support/receiver.js';
import { useInspector } from './harness.js';
import { recordOf, trackEvent } from './samples.js';

describe.runIf(wantsChromium('an opened delivery'))('an opened delivery', () => {
  const inspector = useInspector();

  it('says over which bytes it was verified, and marks them in text and dump', async () => {
    const events = [trackEvent(), trackEvent({ messageId: 'm-2', event: 'Second' })];
    inspector.api.records = [recordOf({ id: 'd-1', events })];
    const page = await inspector.open({ hash: '#/deliveries/d-1' });
    const first = JSON.stringify(events[0]);
    await page
      .getByText(`The signature covers the first element of the batch: bytes 1 to ${first.length}`)
      .waitFor();
    expect(await page.locator('.code mark.signed').textContent()).toBe(first);
    await page.getByRole('tab', { name: 'Hex' }).click();
    const dump = await page.getByRole('region', { name: 'Body as hexadecimal' }).textContent();
    expect(dump).toMatch(/^00000000 {2}5b 7b 22 /);
    const marked = await page.locator('.hex-line').first().locator('mark').allTextContents();
    expect(marked).toEqual(['7b 22 74 79 70 65 22  3a 22 74 72 61 63 6b 22 ', '{"type":"track"']);
  });

  it('shows the event as decoded, as canonical, and what differs', async () => {
    inspector.api.records = [recordOf({ id: 'd-1' })];
    const page = await inspector.open({ hash: '#/deliveries/d-1' });
    await page.getByRole('tab', { name: 'Changes' }).click();
    const paths = await page.locator('tbody .diff-path').allTextContents();
    expect(paths).toEqual(['/timestamp', '/writeKey', '/integrations', '/receipt']);
    await page.getByRole('tab', { name: 'Changes' }).press('ArrowRight');
    await page.getByRole('region', { name: 'Decoded event' }).getByText('"abc123"').waitFor();
  });

  it('shows each event of a batch, and what is wrong where it is wrong', async () => {
    const events = [trackEvent(), trackEvent({ event: 'Second' })];
    inspector.api.records = [recordOf({ id: 'd-1', events, outcome: 'quarantined' })];
    const page = await inspector.open({ hash: '#/deliveries/d-1' });
    await page.getByRole('button', { name: /Second/ }).click();
    await page.getByRole('region', { name: 'Decoded event' }).getByText('"Second"').waitFor();
    const wrong = await page.locator('.line.is-wrong').allTextContents();
    expect(wrong[0]).toContain('"event": "Second"');
    expect(wrong[0]).toContain('↑ /event is missing');
  });

  it('explains why a signature does not hold', async () => {
    inspector.api.records = [recordOf({ id: 'd-1', outcome: 'unauthenticated' })];
    const sentences = ['The secret is another.', 'Compare it with the dashboard.'];
    inspector.api.answers.set('explain', { status: 200, body: { verified: false, sentences } });
    const page = await inspector.open({ hash: '#/deliveries/d-1' });
    await page.getByRole('button', { name: 'Why?' }).click();
    await page.getByText('The secret is another.').waitFor();
    expect(inspector.api.changes).toEqual([{ path: '/api/deliveries/d-1/explain', body: {} }]);
  });

  it('replays, sends again and copies, and says what came of it', async () => {
    inspector.api.records = [
      recordOf({ id: 'd-1' }),
      recordOf({ id: 'd-0', outcome: 'duplicate' }),
    ];
    inspector.api.answers.set('replay', { status: 200, body: { replayed: 1 } });
    inspector.api.answers.set('send-again', { status: 200, body: { status: 200, id: 'd-0' } });
    const page = await inspector.open({ hash: '#/deliveries/d-1' });
    await page.getByRole('button', { name: 'Replay to sinks' }).click();
    await page.getByText('1 event replayed.').waitFor();
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await page.getByLabel('The curl command').waitFor();
    expect(await page.getByLabel('The curl command').textContent()).toMatch(/^curl -X POST/);
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('it was answered 200').waitFor();
    await page.getByRole('link', { name: 'Open the new delivery' }).click();
    await page.getByText('An event with this messageId was accepted earlier').waitFor();
    await page.getByRole('button', { name: 'Send with new ids' }).click();
    await page.getByText('it was answered 200').waitFor();
    expect(inspector.api.changes.map(({ body }) => body)).toEqual([
      {},
      { newIds: false },
      { newIds: true },
    ]);
  });

  it('says what went wrong where an action does not work', async () => {
    inspector.api.records = [recordOf({ id: 'd-1' })];
    inspector.api.answers.set('send-again', { status: 503, body: {} });
    const page = await inspector.open({ hash: '#/deliveries/d-1', expected: /status of 503/ });
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.locator('.result.bad').getByText('This does not work now.').waitFor();
  });

  it('saves a fixture', async () => {
    inspector.api.records = [recordOf({ id: 'd-1' })];
    const page = await inspector.open({ hash: '#/deliveries/d-1' });
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save as fixture' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('delivery-d-1.json');
    expect(JSON.parse(await readFile(await download.path(), 'utf8'))).toMatchObject({
      trackbridge: 1,
    });
    await page.getByText('Saved as delivery-d-1.json').waitFor();
  });

  it('follows the attempts of its sinks', async () => {
    const waiting = { sink: 'orders', delivered: 0, failed: 0, pending: 1, skipped: 0, dead: 0 };
    const record = recordOf({ id: 'd-1', sinks: [waiting], attempts: [] });
    inspector.api.records = [record];
    const page = await inspector.open({ hash: '#/deliveries/d-1' });
    await page.getByText('No attempt yet.').waitFor();
    await eventually(
      () => inspector.api.subscribers,
      (count) => count === 1,
    );
    const error = 'answered 503';
    const attempt = {
      at: record.at,
      sink: 'orders',
      eventIds: ['1'],
      ms: 12,
      outcome: 'transient',
      error,
      farSide: 'overloaded <b>\u0007</b>',
    } as const;
    inspector.api.records = [
      { ...record, sinks: [{ ...waiting, pending: 0, failed: 1 }], attempts: [attempt] },
    ];
    inspector.api.tell('attempt', { deliveryId: 'd-1', ...attempt });
    await page.getByRole('cell', { name: 'answered 503' }).waitFor();
    await page.getByRole('cell', { name: 'overloaded <b>\\u0007</b>' }).waitFor();
    await page.locator('.sink-list').getByText('1 retrying').waitFor();
    await page.locator('.row').getByText('orders: 1 retrying').waitFor({ state: 'attached' });
  });

  it('shows hostile text as text', async () => {
    const hostile = '<img src=x onerror=alert(1)>\u202e\u0007"&amp;';
    const event = trackEvent({
      event: hostile,
      userId: hostile,
      properties: { [hostile]: hostile },
    });
    inspector.api.records = [
      recordOf({ id: 'd-1', events: [event], path: `/segment?a=${hostile}` }),
    ];
    const page = await inspector.open({ hash: '#/deliveries/d-1' });
    await page.getByRole('heading', { name: 'Verification' }).waitFor();
    expect(await page.locator('img').count()).toBe(0);
    const text = String(await page.locator('#app').textContent());
    expect(text).not.toContain('\u202e');
    expect(text).not.toContain('\u0007');
    expect(text).toContain('<img src=x onerror=alert(1)>\\u202e\\u0007');
  });

  it('says that it is gone', async () => {
    const page = await inspector.open({ hash: '#/deliveries/gone', expected: /status of 404/ });
    await page.getByText('This delivery is no longer recorded').waitFor();
  });
});
