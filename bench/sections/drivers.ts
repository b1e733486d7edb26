import { readdirSync } from 'node:fs';
import { toSinkEvent } from '../../src/dispatch/routing/format.js';
import type { SinkEvent } from '../../src/sinks/sink.js';
import type { Sides, SinkBench } from '../drivers/driver.js';
import type { Line } from '../report/result.js';
import { ratioOf, spreadOf } from '../statistics.js';
import type { Section, SectionContext } from './section.js';

const BATCH = 100;
const LANES = 8;
/** Milliseconds of one turn. */
const TURN = 500;
const TEXT = 'x'.repeat(600);
const DRIVERS = new URL('../drivers/', import.meta.url);

/** One turn of one side, per second and per event. CPU is that of this process, without the server's. */
interface Turn {
  readonly events: number;
  readonly cpu: number;
}

/**
 * Each sink beside the plainest possible use of the same driver. Both get the same batches in turns; the first turn of each
 * warms up.
 */
export const drivers: Section = {
  name: 'drivers',
  async run(context) {
    const files = readdirSync(DRIVERS).filter((file) => file !== 'driver.ts');
    const { lines = '' } = context.settings;
    const measured: Line[] = [];
    for (const file of files) {
      const { benches } = (await import(new URL(file, DRIVERS).href)) as {
        readonly benches: readonly SinkBench[];
      };
      for (const bench of benches.filter(({ name }) => name.includes(lines))) {
        const line = await measure(bench, context);
        if (line !== undefined) measured.push(line);
      }
    }
    return measured;
  },
};

async function measure(
  { name, setup }: SinkBench,
  { fail, note, progress, settings }: SectionContext,
): Promise<Line | undefined> {
  let sides: Sides;
  try {
    sides = await setup();
  } catch {
    note(`${name} is absent from this table because its server could not be used.`);
    return undefined;
  }
  try {
    const ours: Turn[] = [];
    const bare: Turn[] = [];
    for (let round = 0; round <= settings.rounds; round++) {
      const turns = [await turn(sides.ours), await turn(sides.bare)] as const;
      if (round === 0) continue;
      ours.push(turns[0]);
      bare.push(turns[1]);
    }
    const all = (column: keyof Turn, turns: readonly Turn[]) => turns.map((each) => each[column]);
    const ratio = ratioOf(all('events', ours), all('events', bare));
    progress(`${name}: ratio ${ratio.median.toFixed(2)}`);
    return {
      name,
      figures: {
        events: spreadOf(all('events', ours)),
        bareEvents: spreadOf(all('events', bare)),
        ratio,
        cpu: spreadOf(all('cpu', ours)),
        bareCpu: spreadOf(all('cpu', bare)),
      },
      targets: [{ column: 'ratio', atLeast: 0.7 }],
    };
  } catch (error) {
    fail(name, error);
    return undefined;
  } finally {
    await sides.teardown();
  }
}

async function turn(deliver: Sides['ours']): Promise<Turn> {
  const began = performance.now();
  const cpu = process.cpuUsage();
  let events = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - began < TURN) {
      await deliver(Array.from({ length: BATCH }, sinkEvent));
      events += BATCH;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - began) / 1_000;
  return { events: events / seconds, cpu: (user + system) / events };
}

function sinkEvent(): SinkEvent {
  const id = crypto.randomUUID();
  return toSinkEvent(
    JSON.stringify({
      type: 'track',
      messageId: id,
      userId: `user-${id.slice(0, 3)}`,
      event: 'Order Completed',
      properties: { order_id: `o-${id}`, revenue: 39.95, currency: 'EUR', note: TEXT },
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
