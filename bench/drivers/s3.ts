import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { AwsClient } from 'aws4fetch';
import { systemClock } from '../../src/core/clock.js';
import { createS3Sink } from '../../src/sinks/s3/sink.js';
import type { Sides, SinkBench } from './driver.js';

const KEYS = { accessKeyId: 'bench-key', secretAccessKey: 'bench-secret', region: 'us-east-1' };

/** Takes everything and keeps nothing, in a process of its own: what a store does with it is not what is measured. */
const STORE = `
  const server = require('node:http').createServer((request, response) => {
    request.resume().on('end', () => response.end());
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

async function setup(): Promise<Sides> {
  const store = spawn(process.execPath, ['-e', STORE], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(store.stdout.setEncoding('utf8'), 'data')) as [string];
  const endpoint = `http://127.0.0.1:${Number(port)}`;
  const close = { size: 2 ** 25, age: 30_000 };
  const context = {
    name: 'bench',
    clock: systemClock,
    bridgeId: () => 'bench',
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  };
  const sink = await createS3Sink(
    { ...KEYS, endpoint, bucket: 'events', prefix: '', close },
    context,
  );
  await sink.open();
  const driver = new AwsClient({ ...KEYS, service: 's3', retries: 0 });
  const compress = promisify(gzip);
  const { signal } = new AbortController();
  return {
    ours: (batch) => sink.deliver(batch, signal),
    async bare(batch) {
      const body = await compress(batch.map(({ json }) => `${json}\n`).join(''));
      const url = `${endpoint}/events/${crypto.randomUUID()}.ndjson.gz`;
      const answer = await driver.fetch(url, { method: 'PUT', body });
      await answer.arrayBuffer();
    },
    async teardown() {
      await sink.close();
      store.kill();
      await once(store, 'exit');
    },
  };
}

export const benches: readonly SinkBench[] = [{ name: 's3', setup }];
