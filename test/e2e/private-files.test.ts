import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  eventually,
  makeDirectory,
  type Receiver,
  type ReceiverOptions,
  readEvents,
  startReceiver,
} from '../support/receiver.js';
import { trackText } from '../support/sender.js';

const umask = process.umask();
const started: Receiver[] = [];
afterEach(async () => {
  process.umask(umask);
  for (const receiver of started.splice(0)) {
    await receiver.end('SIGKILL');
    await rm(receiver.directory, { recursive: true, force: true });
  }
});

async function start(options: ReceiverOptions): Promise<Receiver> {
  const receiver = await startReceiver(options);
  started.push(receiver);
  return receiver;
}

/** Everything below a directory, with what others than its owner may do with it. */
async function rightsOfOthers(directory: string): Promise<Record<string, string>> {
  const names = ['', ...(await readdir(directory, { recursive: true }))];
  const rights = await Promise.all(
    names.map(async (name) => {
      // A file that is being rotated has no name for a moment, or another one by now.
      const found = await stat(join(directory, name)).catch(() => undefined);
      return found === undefined ? [] : [[name, (found.mode & 0o077).toString(8)] as const];
    }),
  );
  return Object.fromEntries(rights.flat());
}

async function deliverTo(url: string, id: string): Promise<void> {
  const padding = 'x'.repeat(2_000);
  const answer = await fetch(`${url}/in`, {
    method: 'POST',
    body: trackText(id, { properties: { padding } }),
  });
  expect(answer.status).toBe(200);
}

const OPEN_SOURCE = { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } };

describe('what the receiver writes', () => {
  // 0 would leave everything open to everybody, 077 is what the careful set.
  it.each([0o000, 0o022, 0o077])('is its owner’s alone with umask %o', async (mask) => {
    process.umask(mask);
    const receiver = await start({
      config: {
        server: { port: 0 },
        outbox: { path: 'data/deep/outbox.db' },
        sources: OPEN_SOURCE,
        sinks: {
          rotated: {
            type: 'file',
            path: 'data/logs/events.ndjson',
            batch: { size: 1 },
            rotate: { size: '4kb', keep: 3 },
          },
        },
      },
    });
    const data = join(receiver.directory, 'data');
    const written = async (): Promise<number> => (await readdir(join(data, 'logs'))).length;
    for (let at = 0; at < 6; at++) await deliverTo(receiver.url, `m-${at}`);
    await eventually(written, (files) => files > 1);
    const running = await eventually(
      () => rightsOfOthers(data),
      // Between two files of a rotation there is none of the name.
      (rights) =>
        'logs/events.ndjson' in rights &&
        Object.keys(rights).some((name) => /events\.ndjson\.\d$/.test(name)),
    );
    expect(Object.keys(running)).toEqual(
      expect.arrayContaining(['deep/outbox.db', 'deep/outbox.db-wal', 'logs/events.ndjson']),
    );
    expect(Object.entries(running).filter(([, rights]) => rights !== '0')).toEqual([]);
    await receiver.end();
    const after = Object.entries(await rightsOfOthers(data));
    expect(after.filter(([, rights]) => rights !== '0')).toEqual([]);
  });

  it('at the first start, secrets among it, is its owner’s alone', async () => {
    process.umask(0);
    const receiver = await start({ env: { PORT: '0' } });
    await receiver.end();
    const rights = await rightsOfOthers(join(receiver.directory, 'data'));
    expect(Object.keys(rights)).toEqual(expect.arrayContaining(['secrets.json', 'outbox.db']));
    expect(Object.entries(rights).filter(([, others]) => others !== '0')).toEqual([]);
  });

  it('of an earlier run is closed where it was open: the outbox; a sink’s file keeps what its reader needs', async () => {
    const directory = await makeDirectory();
    const config = {
      server: { port: 0 },
      sources: OPEN_SOURCE,
      sinks: { file: { type: 'file', path: 'data/events.ndjson' } },
    };
    const first = await start({ config, directory });
    await deliverTo(first.url, 'm-1');
    await eventually(
      () => readEvents(join(directory, 'data/events.ndjson')),
      (events) => events.length === 1,
    );
    await first.end();
    await chmod(join(directory, 'data/outbox.db'), 0o644);
    await chmod(join(directory, 'data/events.ndjson'), 0o640);
    const second = await start({ config, directory });
    await deliverTo(second.url, 'm-2');
    const rights = await rightsOfOthers(join(directory, 'data'));
    expect(rights).toMatchObject({ 'outbox.db': '0', 'events.ndjson': '40' });
    expect(rights['outbox.db-wal'] ?? '0').toBe('0');
    await second.end();
  });

  it('stands in a directory whose own rights are the operator’s', async () => {
    const directory = await makeDirectory();
    await mkdir(join(directory, 'data'), { mode: 0o755 });
    const receiver = await start({ directory, env: { PORT: '0' } });
    await receiver.end();
    const { '': own, ...files } = await rightsOfOthers(join(directory, 'data'));
    expect(own).toBe('55');
    expect(Object.values(files).filter((others) => others !== '0')).toEqual([]);
  });
});
