import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, type Receiver, runCommand, startReceiver } from '../support/receiver.js';
import { trackText } from '../support/sender.js';

const far = { status: 200, ids: [] as string[] };
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    far.ids.push(JSON.parse(Buffer.concat(chunks).toString()).messageId);
    response.writeHead(far.status).end();
  });
});
let receiver: Receiver | undefined;

beforeEach(async () => {
  Object.assign(far, { status: 200, ids: [] });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await receiver?.end('SIGKILL');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function start(sinks: readonly string[], directory?: string): Promise<Receiver> {
  const { port } = server.address() as AddressInfo;
  const far = {
    type: 'http',
    url: `http://127.0.0.1:${port}/`,
    allowPrivateAddresses: true,
    batch: { size: 1, wait: 0 },
    retry: { initial: '100ms', max: '1s', giveUpAfter: '24h' },
  };
  const other = { type: 'file', path: './other.ndjson' };
  receiver = await startReceiver({
    ...(directory === undefined ? {} : { directory }),
    config: {
      server: { port: 0 },
      admin: { port: 0 },
      sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
      sinks: Object.fromEntries(
        Object.entries({ far, other }).filter(([name]) => sinks.includes(name)),
      ),
    },
  });
  return receiver;
}

async function deliver(...ids: readonly string[]): Promise<void> {
  const body = `[${ids.map((id) => trackText(id, { userId: 'u' })).join()}]`;
  expect((await fetch(`${receiver?.url}/in`, { method: 'POST', body })).status).toBe(200);
}

const sinks = (act: string, name: string): ReturnType<typeof runCommand> =>
  runCommand(['sinks', act, name, '--admin', String(receiver?.adminUrl)]);

interface SinkStats {
  readonly name: string;
  readonly state: string;
  readonly pending: number;
  readonly delivered: number;
  readonly discarded: number;
  readonly failuresInARow: number;
}
async function statsOf(name: string): Promise<SinkStats | undefined> {
  const answer = await fetch(`${receiver?.adminUrl}/api/stats`);
  const stats = (await answer.json()) as { sinks: SinkStats[] };
  return stats.sinks.find((sink) => sink.name === name);
}

describe('trackbridge sinks', () => {
  it('pauses one sink, across a restart, until it is resumed; other sinks go on', async () => {
    const { directory, end } = await start(['far', 'other']);
    expect(await sinks('pause', 'far')).toMatchObject({ code: 0, stdout: 'paused far\n' });
    await deliver('a', 'b');
    await eventually(
      () => statsOf('other'),
      (other) => other?.delivered === 2,
    );
    expect(await end('SIGTERM')).toBe(0);

    const { stderr } = await start(['far', 'other'], directory);
    await deliver('c');
    await eventually(
      () => statsOf('other'),
      (other) => other?.delivered === 3,
    );
    expect(await statsOf('far')).toMatchObject({ state: 'paused', pending: 3, delivered: 0 });
    expect(far.ids).toEqual([]);
    expect(stderr()).toContain('sink far is paused and has 2 pending events');

    expect(await sinks('resume', 'far')).toMatchObject({ code: 0, stdout: 'resumed far\n' });
    await eventually(
      () => statsOf('far'),
      (state) => state?.pending === 0,
    );
    expect(far.ids).toEqual(['a', 'b', 'c']);
  }, 30_000);

  it('purges what a sink that is down still holds, and it gets only what comes later', async () => {
    far.status = 503;
    await start(['far']);
    await deliver('a', 'b');
    await eventually(
      () => statsOf('far'),
      (state) => (state?.failuresInARow ?? 0) > 0,
    );
    await sinks('pause', 'far');
    expect(await sinks('purge', 'far')).toMatchObject({ code: 0, stdout: 'purged 2\n' });
    Object.assign(far, { status: 200, ids: [] });
    await deliver('c');
    await sinks('resume', 'far');
    await eventually(
      () => statsOf('far'),
      (state) => state?.pending === 0,
    );
    expect(far.ids).toEqual(['c']);
    expect(await statsOf('far')).toMatchObject({ delivered: 1, discarded: 2 });
  }, 30_000);

  it('purges a sink that is no longer configured', async () => {
    const { directory, end } = await start(['far', 'other']);
    await sinks('pause', 'far');
    await deliver('a', 'b');
    expect(await end('SIGTERM')).toBe(0);
    const { stderr } = await start(['other'], directory);
    expect(stderr()).toContain('discard them with trackbridge sinks purge far');
    expect(await sinks('purge', 'far')).toMatchObject({ code: 0, stdout: 'purged 2\n' });
    expect(await sinks('purge', 'far')).toMatchObject({ code: 0, stdout: 'purged 0\n' });
  }, 30_000);
});
