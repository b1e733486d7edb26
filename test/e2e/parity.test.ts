import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/json.js';
import {
  eventually,
  makeDirectory,
  type Receiver,
  runCommand,
  startReceiver,
} from '../support/receiver.js';

const SECRET = 'a-long-enough-secret';
const CONFIG = {
  server: { port: 0 },
  admin: { port: 0 },
  outbox: { path: './data/outbox.db' },
  sources: {
    segment: {
      type: 'segment',
      path: '/segment',
      verify: { scheme: 'segment-signature', secrets: [SECRET] },
      dedupeGroup: 'move',
    },
    rudderstack: {
      type: 'rudderstack',
      path: '/rudderstack',
      verify: { scheme: 'shared-secret', secrets: [SECRET] },
      dedupeGroup: 'move',
    },
  },
  sinks: {},
  parity: { move: { left: 'segment', right: 'rudderstack', window: '1s', settle: '1s' } },
};

let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.end('SIGKILL');
  if (receiver !== undefined) await rm(receiver.directory, { recursive: true, force: true });
});

it('compares what two vendors deliver, over a kill -9, and gates on it', async () => {
  const directory = await makeDirectory();
  receiver = await startReceiver({ config: CONFIG, directory });
  await both('m1', { total: 19.99 });
  await receiver.end('SIGKILL');
  receiver = await startReceiver({ config: CONFIG, directory });
  await send('segment', 'm2', { total: 5 });
  await receiver.end('SIGKILL');
  receiver = await startReceiver({ config: CONFIG, directory });
  await send('rudderstack', 'm2', { total: '5' });
  await send('segment', 'lost', { total: 7 });
  await both('m3', { total: 1 });

  const report = await eventually(
    async () => JSON.parse((await parity('report', '--json')).stdout) as JsonObject,
    ({ both: pairs, onlyLeft, pending }) => pairs === 3 && onlyLeft === 1 && pending === 0,
  );
  expect(report).toMatchObject({
    ...{ name: 'move', left: 'segment', right: 'rudderstack' },
    ...{ both: 3, onlyLeft: 1, onlyRight: 0, different: 1, late: 0, repeats: 0 },
    match: 57.1428,
    differences: [
      {
        path: '/properties/total',
        kind: 'type',
        events: 1,
        cause: 'one side sends a number as text',
        example: { left: { messageId: 'm2' }, right: { messageId: 'm2' } },
      },
    ],
  });

  expect((await parity('report')).stdout).toContain('57.1428 % of all events match');
  const html = await parity('report', '--html', 'report.html');
  expect(html).toMatchObject({ code: 0, stderr: '' });
  const page = await readFile(join(directory, 'report.html'), 'utf8');
  expect(page).toContain('<svg');
  expect(page).not.toMatch(/<script|src=|href=/);

  expect((await parity('check', '--min-match', '50')).code).toBe(0);
  const failed = await parity('check', '--min-match', '99.9');
  expect(failed.code).toBe(1);
  expect(failed.stdout).toContain('Fix first');
  expect((await parity('check')).code).toBe(2);
  expect((await runCommand(['parity', 'report', 'nothing', ...admin()])).code).toBe(2);

  async function both(messageId: string, properties: JsonObject): Promise<void> {
    await send('segment', messageId, properties);
    await send('rudderstack', messageId, properties);
  }

  async function send(vendor: string, messageId: string, properties: JsonObject): Promise<void> {
    const event = { type: 'track', event: 'Order Completed', userId: 'u1', messageId, properties };
    const at = '2026-05-09T12:00:00.000Z';
    const file = join(directory, 'event.json');
    await writeFile(file, JSON.stringify({ ...event, timestamp: at, originalTimestamp: at }));
    const to = `${receiver?.url}/${vendor}`;
    const args = ['send', '--to', to, '--as', vendor, '--secret', SECRET, '--file', file];
    expect(await runCommand(args)).toMatchObject({ code: 0 });
  }

  function admin(): string[] {
    return ['--admin', receiver?.adminUrl ?? ''];
  }

  async function parity(what: string, ...options: string[]) {
    return await runCommand(['parity', what, 'move', ...options, ...admin()], { cwd: directory });
  }
});
