// What the sinks cost beside the plainest possible use of the same driver: `npm run bench:sinks [-- NAME...]`. Both sides
// get the same batches of 1.2 kB events in turns, so that what else the machine does falls on both. CPU is that of this
// process, without the server's.
import { readdirSync } from 'node:fs';
import { toSinkEvent } from '../../src/dispatch/format.js';
import type { SinkEvent } from '../../src/sinks/sink.js';
import type { Sides, SinkBench } from './bench.js';

const BATCH = 100;
const LANES = 8;
/** Milliseconds of a turn, and how many each side gets. The first of each warms up and does not count. */
const TURN = 500;
const TURNS = 5;
const TARGET = 0.7;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const TEXT = 'x'.repeat(600);

let ids = 0;

function event(): SinkEvent {
  ids += 1;
  return toSinkEvent(
    JSON.stringify({
      type: 'track',
      messageId: crypto.randomUUID(),
      userId: `user-${ids % 5_000}`,
      event: 'Order Completed',
      properties: { order_id: `o-${ids}`, revenue: 39.95, currency: 'EUR', note: TEXT },
      context: { ip: '203.0.113.7', library: { name: 'analytics.js', version: '2.11.1' } },
      integrations: {},
      timestamp: '2026-01-02T03:04:05.000Z',
      receivedAt: '2026-01-02T03:04:06.000Z',
      receipt: {
        deliveryId: '019b7e6a-0000-7000-8000-000000000000',
        source: 'segment',
        vendor: 'segment',
        method: 'POST',
        receivedAt: '2026-01-02T03:04:06.789Z',
        authenticated: true,
        verifiedBy: 'segment-signature',
      },
    }),
    'canonical',
  );
}

interface Tally {
  events: number;
  seconds: number;
  /** Microseconds. */
  cpu: number;
}

async function turn(deliver: Sides['ours'], tally: Tally): Promise<void> {
  const began = performance.now();
  const cpu = process.cpuUsage();
  const lane = async (): Promise<void> => {
    while (performance.now() - began < TURN) {
      await deliver(Array.from({ length: BATCH }, event));
      tally.events += BATCH;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const { user, system } = process.cpuUsage(cpu);
  tally.seconds += (performance.now() - began) / 1_000;
  tally.cpu += user + system;
}

async function measure({ name, setup }: SinkBench): Promise<void> {
  const sides = await setup();
  const empty = (): Tally => ({ events: 0, seconds: 0, cpu: 0 });
  let [ours, bare] = [empty(), empty()];
  for (let at = 0; at < TURNS; at++) {
    if (at === 1) [ours, bare] = [empty(), empty()];
    await turn((batch) => sides.ours(batch), ours);
    await turn((batch) => sides.bare(batch), bare);
  }
  await sides.teardown();
  const rate = ({ events, seconds }: Tally): number => Math.round(events / seconds);
  const cpu = ({ events, cpu: used }: Tally): string => `${(used / events).toFixed(1)} µs`;
  const ratio = rate(ours) / rate(bare);
  say(
    `${name.padEnd(20)} ${rate(ours)} events/s, ${cpu(ours)} CPU an event; bare driver ${rate(bare)}, ${cpu(bare)}; ` +
      `ratio ${ratio.toFixed(2)} (target ${TARGET})`,
  );
}

const here = new URL('./', import.meta.url);
const files = readdirSync(here).filter((file) => !/^(?:run|bench)\.ts$/.test(file));
const all = files.map((file) => file.replace(/\.ts$/, ''));
const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : all) {
  if (!all.includes(name)) throw new Error(`there is no ${name}; there are ${all.join(', ')}`);
  const { benches } = (await import(new URL(`${name}.ts`, here).href)) as { benches: SinkBench[] };
  for (const each of benches) await measure(each);
}
