// What the SQLite outbox alone costs, by how many messageIds it knows: deliveries of one event of 1.2 kB, fifty at a
// time, each durable (fdatasync) before its answer. CPU is that of the whole process, both threads.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/clock.js';
import type { NewEvent, Outbox } from '../src/outbox/outbox.js';
import { SqliteOutbox } from '../src/outbox/sqlite.js';

const LEVELS = [0, 100_000, 500_000, 1_000_000];
const GROUP = Number(process.env['BENCH_GROUP'] ?? 50);
const MEASURED = Number(process.env['BENCH_EVENTS'] ?? 60_000);
const SEEDED_AT_ONCE = 2_000;

const DAY = 86_400_000;
const PAYLOAD = JSON.stringify({ type: 'track', properties: { text: 'x'.repeat(1_150) } });
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const megabytes = (): number => Math.round(process.memoryUsage.rss() / 1_048_576);

let ids = 0;

function event(json: string): NewEvent {
  ids += 1;
  return {
    scope: 'segment',
    messageId: crypto.randomUUID(),
    authenticated: true,
    orderKey: `u:user-${ids % 5_000}`,
    receivedAt: Date.now(),
    json,
  };
}

async function seedUpTo(outbox: Outbox, level: number): Promise<void> {
  while (ids < level) {
    const events = Array.from({ length: SEEDED_AT_ONCE }, () => event('{}'));
    await outbox.append({ events, quarantined: [] });
  }
}

async function measure(outbox: Outbox, level: number): Promise<void> {
  await seedUpTo(outbox, level);
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const took: number[] = [];
  for (let at = 0; at < MEASURED; at += GROUP) {
    const asked = performance.now();
    await Promise.all(
      Array.from({ length: GROUP }, () =>
        outbox.append({ events: [event(PAYLOAD)], quarantined: [] }),
      ),
    );
    took.push(performance.now() - asked);
  }
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  took.sort((a, b) => a - b);
  const slow = took[Math.floor(took.length * 0.99)] ?? 0;
  say(
    `${level.toLocaleString('en').padStart(9)} ids: ${Math.round(MEASURED / seconds)} events/s, ` +
      `${((user + system) / MEASURED).toFixed(1)} µs CPU an event (${(user / MEASURED).toFixed(1)} user), ` +
      `p99 of a group ${slow.toFixed(1)} ms, ${megabytes()} MB resident`,
  );
}

const directory = mkdtempSync(join(tmpdir(), 'trackbridge-bench-'));
const outbox = new SqliteOutbox(
  {
    path: join(directory, 'outbox.db'),
    durability: 'full',
    dedupeWindow: DAY,
    maxPending: 5_000_000,
    retention: 7 * DAY,
  },
  { clock: systemClock, log: console },
);
try {
  const before = megabytes();
  await outbox.open([]);
  say(`${before} MB resident before it is open, ${megabytes()} MB after`);
  for (const level of LEVELS) await measure(outbox, level);
  await outbox.close();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
