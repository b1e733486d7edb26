import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { rawConnection } from '../http/sockets.js';
import { compileSlowDisk, slowDiskWorks } from '../shim/slow-disk.js';
import { eventually, type Receiver, readEvents, startReceiver } from '../support/receiver.js';
import { trackText } from '../support/sender.js';

/** The contract's limit for a drain, and a second for a shared machine. */
const DRAINED = 10_000 + 1_000;

const SOURCES = { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } };

let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.end('SIGKILL');
  receiver = undefined;
});

const start = async (options: Parameters<typeof startReceiver>[0]): Promise<Receiver> => {
  receiver = await startReceiver(options);
  return receiver;
};
const post = (url: string, id: string): Promise<Response> =>
  fetch(`${url}/in`, { method: 'POST', body: trackText(id) });
const portOf = (url: string): number => Number(new URL(url).port);

describe('a delivery in flight when SIGTERM comes', () => {
  it('is answered when its body comes seconds later, and delivered, while new ones get 503', async () => {
    const { url, directory, end } = await start({
      config: {
        server: { port: 0 },
        sources: SOURCES,
        outbox: { type: 'memory' },
        // One at a time: what is left when the sink is told to stop would be lost.
        sinks: { archive: { type: 'file', path: './events.ndjson', batch: { size: 1 } } },
      },
    });
    const ids = Array.from({ length: 30 }, (_, index) => `late-${index}`);
    const body = `[${ids.map((id) => trackText(id)).join()}]`;
    const slow = await rawConnection(portOf(url));
    slow.write(`POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n[`);
    // Seen to be in flight: it comes on a connection before the signal, and this one after it.
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    const ended = end();
    const ready = await eventually(
      () => fetch(`${url}/readyz`),
      ({ status }) => status === 503,
    );
    expect(ready.headers.get('content-type')).toContain('application/problem+json');
    const since = performance.now();
    const refused = await eventually(
      () => post(url, 'too-late'),
      () => performance.now() - since > 2_200,
    );
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    slow.write(body.slice(1));
    expect(await slow.closed()).toMatch(/^HTTP\/1.1 200 [\s\S]*"accepted":30,/);
    expect(await ended).toBe(0);
    const events = await readEvents(join(directory, 'events.ndjson'));
    expect(events.map(({ messageId }) => messageId)).toEqual(ids);
  });
});

describe.skipIf(!slowDiskWorks)('a disk whose fdatasync hangs', () => {
  it('does not keep the process from ending on SIGTERM', async () => {
    const disk = await compileSlowDisk();
    const { url, directory, stderr, end } = await start({
      config: { server: { port: 0, budget: '500ms' }, sources: SOURCES, sinks: {} },
      env: disk.env('outbox.db'),
    });
    expect((await post(url, 'kept')).status).toBe(200);
    await writeFile(join(directory, disk.hangFile), '');
    expect((await post(url, 'hangs')).status).toBe(503);
    const since = performance.now();
    await end();
    expect(performance.now() - since).toBeLessThan(DRAINED);
    expect(stderr()).toContain('the outbox did not close');
    await rm(join(directory, disk.hangFile));
  });
});

describe('a standard error that nobody reads', () => {
  it('holds up neither the answers nor the end', async () => {
    const { url, child, end } = await start({
      config: { server: { port: 0 }, sources: SOURCES, sinks: {} },
      env: { LOG_LEVEL: 'debug' },
    });
    child.stderr?.pause();
    // Each is a line in the log: several times what a pipe and its reader's buffer take.
    for (let round = 0; round < 60; round++) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          fetch(`${url}/in`, { method: 'POST', body: '[]', signal: AbortSignal.timeout(5_000) }),
        ),
      );
      for (const answer of answers) {
        expect(answer.status).toBe(200);
        await answer.arrayBuffer();
      }
    }
    const since = performance.now();
    await end();
    expect(performance.now() - since).toBeLessThan(DRAINED);
  });
});

describe('a sender that asks for a tunnel and resets the connection', () => {
  it('does not end the process', async () => {
    const { url, child } = await start({
      config: { server: { port: 0 }, sources: SOURCES, sinks: {} },
    });
    for (let count = 0; count < 20; count++) {
      const connection = await rawConnection(portOf(url));
      connection.write('CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\nmore');
      connection.socket.resetAndDestroy();
      await connection.closed();
    }
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    expect((await post(url, 'after')).status).toBe(200);
    expect(child.exitCode).toBeNull();
  });
});
