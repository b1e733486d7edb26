import { describe, expect, it } from 'vitest';
import { wantsChromium } from '../../support/chromium.js';
import { eventually } from '../../support/receiver.js';
import { useInspector } from './harness.js';
import { recordOf, trackEvent } from './samples.js';

describe.runIf(wantsChromium('the inspector in a browser'))('the inspector', () => {
  const inspector = useInspector();

  it('shows what came before it was opened, and what comes now, newest first', async () => {
    inspector.api.records = [
      recordOf({ id: 'd-1', ago: 60_000, events: [trackEvent({ event: 'Before' })] }),
    ];
    const page = await inspector.open();
    await page.getByRole('row', { name: /Before/ }).waitFor();
    inspector.api.deliver(recordOf({ id: 'd-2', events: [trackEvent({ event: 'Now' })] }));
    await page.getByRole('row', { name: /Now/ }).waitFor();
    const names = await page.locator('.event-name').allTextContents();
    expect(names).toEqual(['Now', 'Before']);
  });

  it('says what to do while there is nothing, and gives way to the first delivery', async () => {
    const page = await inspector.open();
    await page.getByRole('heading', { name: 'No delivery yet' }).waitFor();
    expect(await page.locator('.command').textContent()).toContain(
      'curl http://127.0.0.1:9999/hook',
    );
    inspector.api.deliver(recordOf({ id: 'd-1' }));
    await page.getByRole('row', { name: /Order Completed/ }).waitFor();
    expect(await page.getByRole('heading', { name: 'No delivery yet' }).count()).toBe(0);
  });

  it('says that the connection is lost, and goes on by itself when it is back', async () => {
    inspector.api.records = [recordOf({ id: 'd-1', events: [trackEvent({ event: 'Before' })] })];
    const page = await inspector.open({ expected: /net::ERR/ });
    await page.locator('.connection.good').waitFor();
    inspector.api.breakLive();
    await page.getByText('Connection lost, reconnecting.').waitFor();
    expect(await page.getByRole('row', { name: /Before/ }).count()).toBe(1);
    inspector.api.records.unshift(
      recordOf({ id: 'd-2', events: [trackEvent({ event: 'Meanwhile' })] }),
    );
    inspector.api.restore();
    await page.getByRole('row', { name: /Meanwhile/ }).waitFor();
    await page.locator('.connection.good').waitFor();
  });

  it('asks for the token, says when it is wrong, and keeps it for the tab', async () => {
    inspector.api.token = 'right';
    inspector.api.records = [recordOf({ id: 'd-1' })];
    const page = await inspector.open({ expected: /status of 401/ });
    await page.getByRole('textbox', { name: 'Token' }).fill('wrong');
    await page.getByRole('button', { name: 'Unlock' }).click();
    await page.getByText('That token was not accepted.').waitFor();
    await page.getByRole('textbox', { name: 'Token' }).fill('right');
    await page.getByRole('button', { name: 'Unlock' }).click();
    await page.getByRole('row', { name: /Order Completed/ }).waitFor();
    await page.reload();
    await page.getByRole('row', { name: /Order Completed/ }).waitFor();
  });

  it('takes the token from the address, and does not leave it there', async () => {
    inspector.api.token = 'right & proper';
    inspector.api.records = [recordOf({ id: 'd-1' })];
    const page = await inspector.open({
      hash: `#token=${encodeURIComponent(inspector.api.token)}`,
    });
    await page.getByRole('row', { name: /Order Completed/ }).waitFor();
    expect(page.url()).toBe(`${inspector.api.url}#/deliveries`);
  });

  it('says that recording is off, and still shows and opens what comes', async () => {
    inspector.api.recording = false;
    const page = await inspector.open({ expected: /status of 404/ });
    await page.getByText('Recording is off.').waitFor();
    await eventually(
      () => inspector.api.subscribers,
      (count) => count === 1,
    );
    inspector.api.deliver(recordOf({ id: 'd-1' }));
    await page.getByRole('link', { name: /Order Completed/ }).click();
    await page.getByRole('heading', { name: 'POST /segment' }).waitFor();
    await page.getByText('"order_id"').first().waitFor();
  });
});
