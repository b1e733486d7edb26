import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manual, readText } from '../support/manual.js';
import { fence, fencesOf } from '../support/markdown.js';
import { eventually, type Receiver, readEvents, startReceiver } from '../support/receiver.js';

const MANUAL = manual();
const PATH = process.env['PATH'] ?? '';

/** The examples are for a POSIX shell; a machine without one of these runs everything else. */
const hasShell = ['bash', 'curl', 'openssl', 'sed'].every((tool) =>
  PATH.split(delimiter).some((directory) => existsSync(join(directory, tool))),
);

/** The environment that the block `sh start` sets before its command. */
function startOf(text: string): { env: Record<string, string>; command: string } {
  const words = text.trim().split(/\s+/);
  const assignments = words.filter((word) => /^[A-Z_]+=/.test(word));
  return {
    env: Object.fromEntries(assignments.map((word) => word.split('=') as [string, string])),
    command: words.filter((word) => !assignments.includes(word)).join(' '),
  };
}

async function shell(script: string): Promise<string> {
  const child = spawn('bash', ['-c', script], {
    env: { PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  await once(child, 'close');
  return out.trim();
}

describe.runIf(hasShell)('the manual’s first delivery', () => {
  let receiver: Receiver;
  const start = startOf(fence(MANUAL, 'sh', 'start'));
  const fences = fencesOf(MANUAL);
  const deliveries = fences.flatMap(({ language, use, text }, index) =>
    language === 'sh' && use === 'delivery' ? [{ script: text, answer: fences[index + 1] }] : [],
  );
  const first = String(deliveries[0]?.script);
  const here = (script: string): string =>
    script.replaceAll('127.0.0.1:8080', new URL(receiver.url).host);
  const inFile = (count: number): Promise<Record<string, unknown>[]> =>
    eventually(
      () => readEvents(join(receiver.directory, 'data/events.ndjson')),
      (all) => all.length >= count,
    );

  beforeAll(async () => {
    receiver = await startReceiver({ env: { ...start.env, PORT: '0' } });
  });
  afterAll(async () => {
    await receiver.end();
  });

  it('starts what npm start starts', () => {
    const { scripts } = JSON.parse(readText('package.json'));
    expect(start.command).toBe('npm start');
    expect(scripts.start).toMatch(/node dist\/cli\.js serve$/);
  });

  it('is answered as printed, for either vendor', async () => {
    expect(deliveries).toHaveLength(2);
    for (const { script, answer } of deliveries) {
      expect(script).toContain('127.0.0.1:8080');
      expect(answer).toMatchObject({ language: 'json', use: 'answer' });
      expect(await shell(here(script))).toBe(answer?.text.trim());
    }
  });

  it('reaches the file in the canonical form that the manual prints', async () => {
    const [signed, get] = await inFile(2);
    const example = JSON.parse(fence(MANUAL, 'json', 'event'));
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(signed).toEqual({
      ...example,
      timestamp: time,
      receivedAt: time,
      receipt: { ...example.receipt, receivedAt: time, deliveryId: expect.any(String) },
    });
    expect(get).toMatchObject({
      type: 'track',
      event: 'Order Completed',
      properties: { order_id: 'o-1', products: [{ price: 18.99 }], revenue: 1_200_000 },
    });
  });

  it('is one line on the terminal', async () => {
    const text = await eventually(receiver.stdout, (all) => all.includes('m-1'));
    const lines = text.split('\n').filter((line) => line.includes('m-1'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('Order Completed');
  });

  it('is a duplicate when it is sent again', async () => {
    expect(JSON.parse(await shell(here(first)))).toMatchObject({ accepted: 0, duplicates: 1 });
  });

  it('is a 401 with the reason when a byte of the body is changed', async () => {
    const changed = first.replace('-d "$body"', '-d "$body "');
    expect(changed).not.toBe(first);
    expect(JSON.parse(await shell(here(changed)))).toMatchObject({
      status: 401,
      detail: expect.stringContaining('x-signature'),
    });
  });
});
