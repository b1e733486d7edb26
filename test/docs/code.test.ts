import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { manual, ROOT } from '../support/manual.js';
import { fence, sinkExample } from '../support/markdown.js';
import { eventually, makeDirectory, readEvents, startReceiver } from '../support/receiver.js';
import { deliverSegment, trackText } from '../support/sender.js';

const MANUAL = manual();
const PATH = process.env['PATH'] ?? '';
/** A source that anyone may send to. */
const OPEN = { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } };

describe('the manual’s code', () => {
  let end: (() => unknown) | undefined;
  afterEach(async () => {
    await end?.();
    end = undefined;
  });

  it('is a sink that takes events', async () => {
    const directory = await makeDirectory();
    await writeFile(join(directory, 'my-sink.mjs'), fence(MANUAL, 'js', 'my-sink.mjs'));
    const own = { ...sinkExample(MANUAL, 'own-sink'), batch: { wait: '1ms' } };
    const receiver = await startReceiver({
      directory,
      config: { server: { port: 0 }, sources: OPEN, sinks: { own } },
    });
    end = () => receiver.end('SIGKILL');
    await fetch(`${receiver.url}/in`, { method: 'POST', body: trackText('m-1') });
    const seen = join(directory, 'seen.txt');
    const text = await eventually(
      () => readFile(seen, 'utf8').catch(() => ''),
      (all) => all.endsWith('\n'),
    );
    expect(text).toBe('track m-1\n');
  });

  it('is a transform that changes events and filters some', async () => {
    const directory = await makeDirectory();
    await writeFile(join(directory, 'transform.mjs'), fence(MANUAL, 'js', 'transform.mjs'));
    const archive = { ...sinkExample(MANUAL, 'transform'), batch: { wait: '1ms' } };
    const receiver = await startReceiver({
      directory,
      config: { server: { port: 0 }, sources: OPEN, sinks: { archive } },
    });
    end = () => receiver.end('SIGKILL');
    for (const [messageId, userId] of [
      ['m-1', 'internal'],
      ['m-2', 'u-1'],
    ]) {
      const event = { type: 'track', event: 'a', messageId, userId, context: { ip: '192.0.2.1' } };
      await fetch(`${receiver.url}/in`, { method: 'POST', body: JSON.stringify(event) });
    }
    const events = await eventually(
      () => readEvents(join(directory, 'data/events.ndjson')),
      (all) => all.length > 0,
    );
    expect(events).toMatchObject([{ messageId: 'm-2', context: {} }]);
    expect(events[0]?.['context']).toEqual({});
  });

  it('is a receiver inside a program of one’s own', async () => {
    const directory = await makeDirectory();
    await mkdir(join(directory, 'node_modules'));
    await symlink(ROOT, join(directory, 'node_modules/trackbridge'), 'junction');
    const script = [
      fence(MANUAL, 'js', 'library'),
      "server.once('listening', () => console.log(server.address().port));",
      "process.once('SIGTERM', () => { server.close(); server.closeAllConnections(); void trackbridge.stop(); });",
    ].join('\n');
    await writeFile(join(directory, 'index.mjs'), script);
    const child = spawn(process.execPath, ['index.mjs'], {
      cwd: directory,
      env: { PATH, SECRET: 'a-long-enough-secret' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    end = () => child.kill('SIGKILL');
    const [port] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    const url = `http://127.0.0.1:${Number(port)}/segment`;
    expect((await deliverSegment(url, trackText('m-1'), 'a-long-enough-secret')).status).toBe(200);
    expect((await deliverSegment(url, trackText('m-2'), 'not-the-secret-of-it')).status).toBe(401);
    const events = await eventually(
      () => readEvents(join(directory, 'data/events.ndjson')),
      (all) => all.length > 0,
    );
    expect(events).toMatchObject([{ messageId: 'm-1', receipt: { authenticated: true } }]);
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await exit)[0]).toBe(0);
  });
});
