import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { eventually, type Receiver, readEvents, startReceiver } from '../support/receiver.js';

let receiver: Receiver;
afterEach(async () => {
  await receiver.end('SIGKILL');
  await rm(receiver.directory, { recursive: true });
});

it('webhooks of every kind arrive beside a tracking API on the same path, without their key', async () => {
  const key = 'the-write-key-of-the-crm';
  receiver = await startReceiver({
    config: {
      server: { port: 0 },
      outbox: { path: './data/outbox.db' },
      sources: {
        sdk: { type: 'tracking-api', writeKeys: ['the-write-key-of-pages'] },
        hooks: { type: 'webhook-source', writeKeys: { [key]: 'crm' }, requestDetails: true },
      },
      sinks: { archive: { type: 'file', path: './data/events.ndjson', batch: { wait: '1ms' } } },
    },
  });
  const url = `${receiver.url}/v1/webhook?writeKey=${key}`;
  const multipart = new FormData();
  multipart.append('photo', new Blob(['jpeg']), 'a.jpg');
  for (const body of [multipart, new URLSearchParams({ a: '1' }), '["x"]']) {
    const answer = await fetch(url, { method: 'POST', body });
    expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
  }
  expect(await (await fetch(`${url}&b=2`)).text()).toBe('');
  const page = { method: 'POST', body: '{"userId":"u","writeKey":"the-write-key-of-pages"}' };
  expect((await fetch(`${receiver.url}/v1/page`, page)).status).toBe(200);

  const file = join(receiver.directory, 'data/events.ndjson');
  const events = await eventually(
    () => readEvents(file),
    ({ length }) => length === 5,
  );
  const hooks = events.filter(({ receipt }) => Object(receipt).source === 'crm');
  expect(hooks.map(({ properties }) => properties)).toEqual(
    expect.arrayContaining([
      { Value: {}, File: { photo: [expect.objectContaining({ Filename: 'a.jpg', Size: 4 })] } },
      { a: ['1'] },
      { body: ['x'] },
      { b: '2' },
    ]),
  );
  expect(JSON.stringify(events)).not.toContain(key);
  expect(receiver.stderr()).not.toContain(key);
});
