import { rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compileSlowDisk, type SlowDisk, slowDiskWorks } from '../shim/slow-disk.js';
import { eventually, type Receiver, readEvents, startReceiver } from '../support/receiver.js';
import { trackText } from '../support/sender.js';

const BUDGET = 1000;
/**
 * The contract allows 100 ms over the budget. A second more is for a shared machine, whose timers and processes are late by
 * themselves; what is shown here is that nothing waits for what never comes. `npm run bench:budget` measures the 100 ms.
 */
const OVER = 100 + 1000;

let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.end('SIGKILL');
  receiver = undefined;
});

const configOf = (sinks: object = {}): object => ({
  server: { port: 0, budget: `${BUDGET}ms` },
  sources: {
    segment: { type: 'segment', path: '/segment', verify: { scheme: 'none' } },
    rudderstack: { type: 'rudderstack', path: '/rudderstack', verify: { scheme: 'none' } },
    patient: { type: 'segment', path: '/patient', verify: { scheme: 'none' }, ack: 'delivered' },
  },
  sinks,
});
const start = async (options: Parameters<typeof startReceiver>[0] = {}): Promise<Receiver> => {
  receiver = await startReceiver({ config: configOf(), ...options });
  return receiver;
};
const post = (url: string, id: string): Promise<Response> =>
  fetch(url, { method: 'POST', body: trackText(id) });
const timed = async <T>(work: Promise<T>): Promise<{ result: T; took: number }> => {
  const startedAt = performance.now();
  const result = await work;
  return { result, took: performance.now() - startedAt };
};
/** Writes `head` at once and then a byte of `rest` every 50 ms; resolves to all that came back once it is closed. */
const trickle = (url: string, head: string, rest: string): Promise<string> =>
  new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
      socket.write(head);
      timer = setInterval(() => {
        if (socket.writable && at < rest.length) socket.write(rest[at++] ?? '');
      }, 50);
    });
    let text = '';
    let at = 0;
    socket.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\r\n\r\n')) socket.end();
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearInterval(timer);
      resolve(text);
    });
  });

describe('a request that is slow', () => {
  it('with its body is answered within the budget: 503 to Segment, 408 to RudderStack', async () => {
    const { url } = await start();
    const head = (path: string): string =>
      `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n{`;
    const segment = await timed(trickle(url, head('/segment'), ' '.repeat(4000)));
    expect(segment.result).toMatch(/^HTTP\/1.1 503 /);
    expect(segment.result).toMatch(/retry-after: 1\r\n/i);
    expect(segment.took).toBeLessThan(BUDGET + OVER);
    const rudderstack = await timed(trickle(url, head('/rudderstack'), ' '.repeat(4000)));
    expect(rudderstack.result).toMatch(/^HTTP\/1.1 408 /);
    expect(rudderstack.took).toBeLessThan(BUDGET + OVER);
  });

  it('with its head is closed within the budget, with a problem', async () => {
    const { url } = await start();
    const { result, took } = await timed(
      trickle(url, 'POST /segment HTTP/1.1\r\nx-', 'a'.repeat(500)),
    );
    expect(result).toMatch(/^HTTP\/1.1 408 /);
    expect(result).toContain('application/problem+json');
    expect(took).toBeLessThan(BUDGET + OVER);
  });

  it('with its head has that much less for the rest: one deadline from the first byte', async () => {
    const budget = 3000;
    const { url } = await start({
      config: { ...configOf(), server: { port: 0, budget: `${budget}ms` } },
    });
    // The head is whole after some 1,500 ms (or later, on a busy machine), the body never comes. Were the deadline counted
    // from the head's end, the answer would come after 4,500.
    const head = 'POST /segment HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n';
    const { result, took } = await timed(trickle(url, head, `x: ${'1'.repeat(23)}\r\n\r\n`));
    expect(result).toMatch(/^HTTP\/1.1 503 /);
    expect(took).toBeLessThan(budget + OVER);
  });
});

// The shim is preloaded by Linux' dynamic linker; other systems have nothing like it.
describe.skipIf(!slowDiskWorks)('a disk', () => {
  let disk: SlowDisk;
  beforeAll(async () => {
    disk = await compileSlowDisk();
  }, 60_000);

  it('whose fsync hangs gets 503 within the budget, while the event loop and /livez do not notice', async () => {
    const { url, directory } = await start({ env: disk.env('outbox.db') });
    expect((await post(`${url}/segment`, 'before')).status).toBe(200);
    const hang = join(directory, disk.hangFile);
    await writeFile(hang, '');
    const answers = Promise.all(
      Array.from({ length: 20 }, (_, index) => timed(post(`${url}/segment`, `hung-${index}`))),
    );
    const lives = await Promise.all(Array.from({ length: 10 }, () => timed(fetch(`${url}/livez`))));
    for (const { result, took } of lives) {
      expect(result.status).toBe(200);
      expect(took).toBeLessThan(500);
    }
    for (const { result, took } of await answers) {
      expect(result.status).toBe(503);
      expect(Number(result.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(took).toBeLessThan(BUDGET + OVER);
    }
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    await rm(hang);
    // What was under way when the disk came back may be there already: then it is a duplicate, and never lost.
    const again = await eventually(
      () => post(`${url}/segment`, 'hung-0'),
      (response) => response.status === 200,
    );
    const { accepted, duplicates } = (await again.json()) as {
      accepted: number;
      duplicates: number;
    };
    expect(accepted + duplicates).toBe(1);
  });

  it('whose fsync fails gets 503 and nothing answered 200 is missing, before and after', async () => {
    const sinks = { archive: { type: 'file', path: './events.ndjson', batch: { wait: '1ms' } } };
    const { url, directory } = await start({ config: configOf(sinks), env: disk.env('outbox.db') });
    expect((await post(`${url}/segment`, 'kept-1')).status).toBe(200);
    const fail = join(directory, disk.failFile);
    await writeFile(fail, '');
    expect((await post(`${url}/segment`, 'failed')).status).toBe(503);
    await rm(fail);
    await eventually(
      () => post(`${url}/segment`, 'kept-2'),
      (response) => response.status === 200,
    );
    const ids = await eventually(
      async () =>
        (await readEvents(join(directory, 'events.ndjson'))).map((event) => event['messageId']),
      (all) => all.includes('kept-1') && all.includes('kept-2'),
    );
    expect(ids.filter((id) => id === 'kept-1')).toHaveLength(1);
  });
});

describe.skipIf(!slowDiskWorks)('a full disk', () => {
  it('gets 503, and takes deliveries again without a restart once there is space', async () => {
    const disk = await compileSlowDisk();
    const { url, directory } = await start({ env: disk.env('outbox.db') });
    expect((await post(`${url}/segment`, 'before')).status).toBe(200);
    const full = join(directory, disk.fullFile);
    await writeFile(full, '');
    expect((await post(`${url}/segment`, 'full')).status).toBe(503);
    await rm(full);
    await eventually(
      () => post(`${url}/segment`, 'full'),
      (response) => response.status === 200,
    );
    const again = await post(`${url}/segment`, 'before');
    expect(await again.json()).toMatchObject({ accepted: 0, duplicates: 1 });
  });
});

describe('a sink that hangs', () => {
  let sink: Server;
  afterEach(() => {
    sink.closeAllConnections();
    sink.close();
  });
  const hanging = async (): Promise<object> => {
    sink = createServer(() => undefined);
    await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`;
    return {
      hung: { type: 'http', url, allowPrivateAddresses: true },
      archive: { type: 'file', path: './events.ndjson', batch: { wait: '1ms' } },
    };
  };

  it('slows neither the answer nor the other sinks', async () => {
    const { url, directory } = await start({ config: configOf(await hanging()) });
    for (let index = 0; index < 20; index++) {
      expect((await post(`${url}/segment`, `m-${index}`)).status).toBe(200);
    }
    await eventually(
      () => readEvents(join(directory, 'events.ndjson')),
      (all) => all.length === 20,
    );
  });

  it('is waited for no longer than the budget by `ack: delivered`', async () => {
    const { url } = await start({ config: configOf(await hanging()) });
    const { result, took } = await timed(post(`${url}/patient`, 'waits'));
    expect(result.status).toBe(200);
    expect(took).toBeGreaterThan(BUDGET / 2);
    expect(took).toBeLessThan(BUDGET + OVER);
  });
});

describe('`ack: delivered`', () => {
  it('answers once the sinks have it', async () => {
    const sinks = { archive: { type: 'file', path: './events.ndjson', batch: { wait: '1ms' } } };
    const { url, directory } = await start({ config: configOf(sinks) });
    expect((await post(`${url}/patient`, 'there')).status).toBe(200);
    expect(await readEvents(join(directory, 'events.ndjson'))).toHaveLength(1);
  });
});

describe('500 connections at once', () => {
  it('are all answered within the budget, and what was answered 200 is kept once', async () => {
    const sinks = { archive: { type: 'file', path: './events.ndjson', batch: { wait: '1ms' } } };
    const config = { ...configOf(sinks), server: { port: 0 } };
    const { url, directory } = await start({ config });
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, index) => timed(post(`${url}/segment`, `c-${index}`))),
    );
    for (const { result, took } of answers) {
      expect(result.status).toBe(200);
      expect(took).toBeLessThan(4500 + OVER);
    }
    const ids = await eventually(
      async () =>
        (await readEvents(join(directory, 'events.ndjson'))).map((event) => event['messageId']),
      (all) => all.length >= 500,
    );
    expect(new Set(ids).size).toBe(500);
  });
});
