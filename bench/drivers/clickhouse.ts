import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Pool } from 'undici';
import { systemClock } from '../../src/core/clock.js';
import { createClickHouseSink } from '../../src/sinks/clickhouse/sink.js';
import type { Sides, SinkBench } from './driver.js';

/** Takes everything and keeps nothing, in a process of its own: what ClickHouse does with it is not what is measured. */
const SERVER = `
  const server = require('node:http').createServer((request, response) => {
    request.resume().on('end', () => response.end());
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

async function setup(): Promise<Sides> {
  const server = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(server.stdout.setEncoding('utf8'), 'data')) as [string];
  const url = `http://127.0.0.1:${Number(port)}`;
  const place = { url, database: 'default', table: 'events', user: 'default', password: '' };
  const sink = createClickHouseSink({ ...place, create: false }, { clock: systemClock });
  await sink.open();
  const pool = new Pool(url);
  const path = `/?query=${encodeURIComponent('INSERT INTO events FORMAT JSONEachRow')}`;
  const { signal } = new AbortController();
  return {
    ours: (batch) => sink.deliver(batch, signal),
    async bare(batch) {
      const rows = batch.map(({ event, json }) =>
        JSON.stringify({
          message_id: event.messageId,
          type: event.type,
          event: event.event,
          user_id: event.userId,
          anonymous_id: event.anonymousId,
          timestamp: event.timestamp,
          received_at: event.receivedAt,
          payload: json,
        }),
      );
      const answer = await pool.request({ method: 'POST', path, body: rows.join('\n') });
      await answer.body.text();
    },
    async teardown() {
      await sink.close();
      await pool.close();
      server.kill();
      await once(server, 'exit');
    },
  };
}

export const benches: readonly SinkBench[] = [{ name: 'clickhouse', setup }];
