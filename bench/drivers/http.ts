import { Pool } from 'undici';
import { systemClock } from '../../src/core/clock.js';
import type { HttpOptions } from '../../src/sinks/http/request.js';
import { createHttpSink } from '../../src/sinks/http/sink.js';
import { startDestination } from '../destination/destination.js';
import type { Sides, SinkBench } from './driver.js';

/** Beside undici's pool, with the same number of requests at a time. */
async function beside(body: 'event' | 'array'): Promise<Sides> {
  const destination = await startDestination();
  const url = `http://127.0.0.1:${destination.port}`;
  const options: HttpOptions = {
    ...{ url: `${url}/`, method: 'POST', headers: {}, body, compression: 'none' },
    ...{ success: [], retryOn: [], dropOn: [], allowPrivateAddresses: true },
  };
  const context = { clock: systemClock, format: 'canonical' } as const;
  const sink = createHttpSink(options, context);
  await sink.open();
  const pool = new Pool(url);
  const headers = { 'content-type': 'application/json' };
  const post = async (text: string): Promise<void> => {
    const answer = await pool.request({ method: 'POST', path: '/', headers, body: text });
    await answer.body.text();
  };
  const { signal } = new AbortController();
  return {
    ours: (batch) => sink.deliver(batch, signal),
    async bare(batch) {
      if (body === 'array') return post(`[${batch.map(({ json }) => json).join(',')}]`);
      for (const { json } of batch) await post(json);
    },
    async teardown() {
      await sink.close();
      await pool.close();
      await destination.stop();
    },
  };
}

export const benches: readonly SinkBench[] = [
  { name: 'http, arrays', setup: () => beside('array') },
  { name: 'http, single events', setup: () => beside('event') },
];
