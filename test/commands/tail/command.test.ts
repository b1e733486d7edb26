import { readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adminClientAt } from '../../../src/commands/admin-client.js';
import { type Showing, showDeliveries } from '../../../src/commands/tail/command.js';
import type { Fixture } from '../../../src/workbench/inspect/record.js';
import { type FakeAdmin, fakeAdmin, recordOf, summaryOf } from '../../support/fake-admin.js';
import { eventually, makeDirectory, wholeLines } from '../../support/receiver.js';

let admin: FakeAdmin;
const stops: AbortController[] = [];
beforeEach(async () => {
  admin = await fakeAdmin();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) stop.abort();
  await admin.stop();
});

interface Shown {
  readonly ended: Promise<void>;
  readonly out: PassThrough & { isTTY?: boolean };
  lines(): string[];
  said(): string;
  stop(): void;
}

/** Begins to show deliveries, as the command does, and waits until it listens. */
async function start(
  more: Partial<Showing> = {},
  { env = {}, isTTY = false }: { env?: Record<string, string>; isTTY?: boolean } = {},
): Promise<Shown> {
  const stop = new AbortController();
  stops.push(stop);
  const [out, err] = [Object.assign(new PassThrough(), { isTTY }), new PassThrough()];
  const texts = { out: '', err: '' };
  out.setEncoding('utf8').on('data', (text: string) => {
    texts.out += text;
  });
  err.setEncoding('utf8').on('data', (text: string) => {
    texts.err += text;
  });
  const calls = (): number => admin.asked.filter((path) => path.startsWith('/api/live')).length;
  const before = calls();
  const ended = showDeliveries({
    client: adminClientAt(admin.url, 'token'),
    context: { env, in: new PassThrough(), out, err, fail: () => {} },
    signal: stop.signal,
    filters: {},
    last: 0,
    count: Number.POSITIVE_INFINITY,
    format: 'lines',
    save: undefined,
    ...more,
  });
  ended.catch(() => undefined);
  await eventually(calls, (now) => now > before);
  return {
    ended,
    out,
    lines: () => wholeLines(texts.out),
    said: () => texts.err,
    stop: () => stop.abort(),
  };
}

const lines = async (shown: Shown, count: number): Promise<string[]> =>
  await eventually(shown.lines, (all) => all.length >= count);

describe('what is shown of a running receiver', () => {
  it('is a line a delivery as it is answered, and one a sink that fails it in another way', async () => {
    const shown = await start();
    const failure = { deliveryId: 'm-1', at: '2026-01-02T03:04:06.000Z', sink: 'orders', ms: 1 };
    admin.send('delivery', summaryOf('m-1'));
    for (const outcome of ['transient', 'transient', 'delivered', 'permanent']) {
      admin.send('attempt', { ...failure, eventIds: ['1'], outcome });
    }
    admin.send('attempt', {
      ...failure,
      deliveryId: 'not shown',
      eventIds: [],
      outcome: 'transient',
    });
    admin.send('delivery', summaryOf('m-2'));
    expect(await lines(shown, 4)).toEqual([
      expect.stringContaining('Order Completed'),
      expect.stringContaining('will be retried'),
      expect.stringContaining('dead letter'),
      expect.stringContaining('Order Completed'),
    ]);
    shown.stop();
    await shown.ended;
    expect(shown.said()).toBe('');
  });

  it.each([
    ['a terminal', {}, true, true],
    ['a terminal where nobody wants colours', { NO_COLOR: '1' }, true, false],
    ['a terminal that knows none', { TERM: 'dumb' }, true, false],
    ['a file', {}, false, false],
  ])('is fit for %s', async (_, env, isTTY, coloured) => {
    const shown = await start({ count: 1 }, { env, isTTY });
    admin.send('delivery', summaryOf('m-1'));
    await shown.ended;
    expect(shown.lines()[0]?.includes('\u001b')).toBe(coloured);
  });

  it('is JSON on request, of which no terminal takes harm', async () => {
    const summary = summaryOf('m-1', { first: { user: '\u009b31m' } });
    const shown = await start({ format: 'json', count: 1 });
    admin.send('delivery', summary);
    await shown.ended;
    const [line = ''] = shown.lines();
    expect(JSON.parse(line)).toEqual(summary);
    expect(line).not.toContain('\u009b');
  });

  it('is the whole record on request, and asked for with the filters', async () => {
    const shown = await start({
      format: 'records',
      count: 1,
      filters: { type: 'track', text: 'a b' },
    });
    admin.send('delivery', recordOf('m-1'));
    await shown.ended;
    expect(JSON.parse(String(shown.lines()[0]))).toEqual(recordOf('m-1'));
    expect(admin.asked).toEqual(['/api/live?type=track&text=a+b&record=true']);
  });

  it('begins with what is recorded, the oldest first and none twice', async () => {
    admin.deliveries = Array.from({ length: 250 }, (_, index) => recordOf(`m-${index}`));
    const shown = await start({ last: 120, format: 'json' });
    await lines(shown, 120);
    admin.send('delivery', summaryOf('m-249'));
    admin.send('delivery', summaryOf('m-250'));
    const ids = (await lines(shown, 121)).map((line) => (JSON.parse(line) as { id: string }).id);
    expect(ids).toEqual(Array.from({ length: 121 }, (_, index) => `m-${index + 130}`));
    shown.stop();
    await shown.ended;
    // One that it had seen already may still have been on its way.
    expect(shown.lines()).toHaveLength(121);
  });

  it('says that there is nothing to begin with where nothing is recorded', async () => {
    const shown = await start({ last: 1, count: 1 });
    admin.send('delivery', summaryOf('m-1'));
    await shown.ended;
    expect(shown.said()).toMatch(/^trackbridge: [^\n]*admin\.record\n$/);
    expect(shown.lines()).toHaveLength(1);
  });

  it('goes on when the receiver is back, with what came meanwhile, and says so once', async () => {
    admin.deliveries = [];
    const shown = await start();
    admin.send('delivery', summaryOf('m-1'));
    await lines(shown, 1);
    const { port } = admin;
    await admin.stop();
    await eventually(shown.said, (text) => text.includes('is unreachable'));
    admin = await fakeAdmin(port);
    admin.deliveries = [
      recordOf('m-0', { at: '2026-01-01T00:00:00.000Z' }),
      recordOf('m-1'),
      recordOf('m-2', { at: '2026-01-03T00:00:00.000Z' }),
    ];
    await lines(shown, 2);
    admin.send('delivery', summaryOf('m-3'));
    await lines(shown, 3);
    expect(shown.said().split('\n')).toEqual([
      `trackbridge: ${admin.url} is unreachable; waiting to reconnect`,
      'trackbridge: reconnected to the receiver',
      '',
    ]);
    expect(shown.lines()).toHaveLength(3);
  });

  it('ends where the receiver refuses it when it is back', async () => {
    const shown = await start();
    const { port } = admin;
    await admin.stop();
    admin = await fakeAdmin(port);
    admin.refusal = 401;
    await expect(shown.ended).rejects.toThrow('401: told so');
  });

  it('ends when nobody reads any more', async () => {
    const shown = await start();
    shown.out.destroy(new Error('EPIPE'));
    await shown.ended;
  });
});

describe('what is saved', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await makeDirectory();
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });
  const files = async (): Promise<string[]> => (await readdir(join(directory, 'new'))).sort();
  const saved = async (name: string): Promise<Fixture> =>
    JSON.parse(await readFile(join(directory, 'new', name), 'utf8')) as Fixture;

  it('is what the receiver has recorded, in files of the owner alone that are never written over', async () => {
    const fixture: Fixture = {
      trackbridge: 1,
      recordedAt: '2026-01-02T03:04:05.678Z',
      source: 'segment',
      method: 'POST',
      path: '/segment',
      httpVersion: '1.1',
      headers: [],
      body: { text: 'whole' },
      redacted: false,
      masked: [],
    };
    const names = [
      '20260102T030405678Z-m-1.json',
      '20260102T030405678Z-m-1-2.json',
      '20260102T030405678Z-m-1-3.json',
    ];
    for (const count of [1, 2]) {
      admin.fixtures.set('m-1', { ...fixture, path: `/${count}` });
      const shown = await start({ save: join(directory, 'new'), count: 1 });
      admin.send('delivery', recordOf('m-1'));
      await shown.ended;
      expect(shown.lines()).toHaveLength(1);
      if (count !== 1) continue;
      await symlink(join(directory, 'elsewhere'), join(directory, 'new', String(names[1])));
    }
    expect(await files()).toEqual([...names].sort());
    expect((await saved(String(names[0]))).path).toBe('/1');
    expect((await saved(String(names[2]))).path).toBe('/2');
    expect((await stat(join(directory, 'new', String(names[0])))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'new'))).mode & 0o777).toBe(0o700);
    await expect(stat(join(directory, 'elsewhere'))).rejects.toThrow('ENOENT');
  });

  it('is made of what is shown where the receiver keeps nothing', async () => {
    const binary = Buffer.from([0xff, 0]);
    const shown = await start({ save: join(directory, 'new'), count: 2 });
    admin.send('delivery', recordOf('m-1', { signed: { part: 'body', from: 0, to: 17 } }));
    const { request } = recordOf('m-2');
    const body = binary.toString('base64');
    admin.send(
      'delivery',
      recordOf('../../m-2', { request: { ...request, body, bodyRedacted: true } }),
    );
    await shown.ended;
    expect(await files()).toEqual([
      '20260102T030405678Z-______m-2.json',
      '20260102T030405678Z-m-1.json',
    ]);
    expect(await saved('20260102T030405678Z-m-1.json')).toEqual({
      trackbridge: 1,
      recordedAt: '2026-01-02T03:04:05.678Z',
      source: 'segment',
      method: 'POST',
      path: '/segment',
      httpVersion: '1.1',
      headers: [['content-type', 'application/json']],
      body: { text: '{"type": "track"}' },
      redacted: false,
      masked: ['x-signature'],
      signed: 'body',
    });
    expect(await saved('20260102T030405678Z-______m-2.json')).toMatchObject({
      body: { base64: body },
      redacted: true,
    });
  });

  it.each([
    ['a cut body', { request: { ...recordOf('m').request, bodyTruncated: true } }],
    ['a cut path', { path: `/${'x'.repeat(1_999)}` }],
  ])('is nothing less than all: %s ends it', async (_, more) => {
    const shown = await start({ save: directory });
    admin.send('delivery', recordOf('m-1', more));
    await expect(shown.ended).rejects.toThrow('admin.record');
  });

  it('ends it where it cannot be written', async () => {
    await writeFile(join(directory, 'new'), 'a file');
    const shown = await start({ save: join(directory, 'new') });
    admin.send('delivery', recordOf('m-1'));
    await expect(shown.ended).rejects.toThrow(/new/);
  });
});
