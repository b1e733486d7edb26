import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { load } from '../../../bench/load/load.js';

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n');

/** As many requests as `count`. */
function requests(count: number): () => Buffer | undefined {
  let left = count;
  return () => (left-- > 0 ? REQUEST : undefined);
}

async function against<T>(
  listener: RequestListener,
  run: (port: number) => Promise<T>,
): Promise<T> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await run((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const ok: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-length': 2 });
  response.end('ok');
};

it('counts every answer and its latency once', async () => {
  const { latencies, requests: sent } = await against(ok, (port) =>
    load({ port, connections: 4, seconds: 60, next: requests(50) }),
  );
  expect(sent).toBe(50);
  expect(latencies).toHaveLength(50);
  expect([...latencies].sort((a, b) => a - b)).toEqual(latencies);
});

it('sends no faster than the rate', async () => {
  const { requests: sent, seconds } = await against(ok, (port) =>
    load({ port, connections: 4, seconds: 60, perSecond: 100, next: requests(20) }),
  );
  expect(sent).toBe(20);
  // The twentieth request is due after 190 ms.
  expect(seconds).toBeGreaterThanOrEqual(0.19);
});

it('counts the time that a request waits for a connection', async () => {
  const held: (() => void)[] = [];
  const { latencies } = await against(
    (request, response) => {
      held.push(() => ok(request, response));
      if (held.length === 1) setTimeout(() => held[0]?.(), 100);
      else held.at(-1)?.();
    },
    (port) => load({ port, connections: 1, seconds: 60, perSecond: 1_000, next: requests(10) }),
  );
  expect(latencies.filter((latency) => latency > 50).length).toBeGreaterThan(5);
});

it('rejects if an answer is not 200', async () => {
  const refuse: RequestListener = (_, response) => {
    response.writeHead(503, { 'content-length': 0 });
    response.end();
  };
  const run = against(refuse, (port) =>
    load({ port, connections: 2, seconds: 60, next: requests(3) }),
  );
  await expect(run).rejects.toThrow(
    '3 of 3 requests were not answered 200; the first one was answered 503',
  );
});

it('rejects if the server closes a connection before its answer', async () => {
  const run = against(
    (request) => request.socket.destroy(),
    (port) => load({ port, connections: 1, seconds: 60, next: requests(3) }),
  );
  await expect(run).rejects.toThrow(/closed a connection|ECONNRESET/);
});
