import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBatchLoad } from '../batch-load.js';
import { Delays } from '../delays.js';
import { Ledger } from '../ledger.js';
import { watchFootprint } from '../memory.js';
import { enterRecorded, type Program, settled } from '../program.js';
import type { RecordingSink } from '../recording-sink.js';
import type { Row } from '../row.js';

const TIMEOUT_MS = 1_000;
/** After its timeout an attempt has this long to let go of its connection. */
const GRACE_MS = 1_000;
const MISBEHAVES_MS = 10_000;
const BEFORE_MS = 3_000;
const DRIP_MS = 100;
const GIGABYTE = 2 ** 30;
const CHUNK = Buffer.alloc(64 * 1024, 'x');
/** What may be sent to somebody who does not read on: the buffers of both ends in the kernel, and a chunk. */
const MOST_TAKEN = 16 * 2 ** 20;
/** The good sink's slowest one in a hundred events: it waits 200 ms for a batch to fill, and the machine may be busy. */
const DELAY_MS = 1_000;
/** Of an answer at most 64 kB are kept: a gigabyte of it, or a tenth of one, would show. */
const GROWTH_MB = 100;

/** Far sides that hold on to a connection instead of answering. */
export const sinkMisbehaves: Row = {
  name: 'sink-misbehaves',
  fault:
    'one sink never answers, one answers a byte at a time, one answers with a gigabyte of body, one with an endless head',
  mustHold:
    'attempts end at their timeout, memory stays flat, the good sink is not held up; their events stay pending and arrive once they behave',
  limitMs: 90_000,
  async run(context) {
    const { start, listen, after } = context;
    const names = ['silent', 'dripping', 'flooding', 'headstrong'] as const;
    const ledger = new Ledger(['good', ...names]);
    const good = await listen();
    const bad = new Map<string, RecordingSink>();
    for (const name of names) bad.set(name, await listen());
    const retry = { initial: '50ms', max: '500ms' };
    const sinks = Object.fromEntries(
      [...bad, ['good', good] as const].map(([name, { options }]) => [
        name,
        { ...options, body: 'array', timeout: `${TIMEOUT_MS}ms`, retry },
      ]),
    );
    const program = await start({ config: { sinks } });
    const watch = watchFootprint(program.child.pid ?? 0, 100);
    after(async () => watch.stop());
    const delays = new Delays();
    const load = startBatchLoad(context, {
      ledger,
      url: program.url,
      senders: 4,
      usersEach: 10,
      batch: 20,
      everyMs: 50,
      onAccepted: (ids) => delays.acknowledged(ids),
    });
    after(() => load.stop());
    await sleep(BEFORE_MS);
    const before = watch.samples.length;

    good.behave((events) => {
      delays.arrived(events.map(({ messageId }) => messageId));
      return { status: 200 };
    });
    const connections: Connections = new Map();
    const habits = { silent, dripping: drip, flooding: flood, headstrong: floodHead };
    for (const [name, sink] of bad) {
      sink.behave((_, request) => {
        const seen = connections.get(name) ?? [];
        connections.set(name, seen);
        observe(request, seen);
        habits[name as keyof typeof habits](request.socket);
        return 'hang';
      });
    }
    await sleep(MISBEHAVES_MS);
    await load.stop();
    const slowest = delays.at(0.99);
    const peak = Math.max(...watch.samples.slice(before).map(({ megabytes }) => megabytes));
    const calm = watch.samples[before - 1]?.megabytes ?? 0;
    await checkPending(ledger, program, names);
    for (const [name, sink] of bad) {
      checkConnections(ledger, name, connections.get(name) ?? []);
      sink.behave(() => ({ status: 200 }));
    }

    await settled(program);
    enterRecorded(ledger, 'good', good);
    for (const [name, sink] of bad) enterRecorded(ledger, name, sink);
    const { duplicated } = ledger.outcome();
    ledger.expect(duplicated === 0, `${duplicated} came again, though nothing had taken them`);
    ledger.expect(slowest <= DELAY_MS, `the good sink was ${slowest} ms behind`);
    const grown = Math.round(peak - calm);
    ledger.expect(grown <= GROWTH_MB, `memory grew by ${grown} MB`);
    return ledger.outcome([
      `timeout ${TIMEOUT_MS / 1000} s`,
      `99 % reached the good sink within ${slowest} ms`,
      `memory grew by ${Math.max(0, grown)} MB`,
    ]);
  },
};

/** What became of the requests to a sink: how long the connection lasted after each, and what it was sent. */
interface Seen {
  readonly since: number;
  lastedMs: number | undefined;
  bytes: number;
}

type Connections = Map<string, Seen[]>;

function observe({ socket }: IncomingMessage, seen: Seen[]): void {
  const written = socket.bytesWritten;
  const each: Seen = { since: performance.now(), lastedMs: undefined, bytes: 0 };
  seen.push(each);
  // The program breaks the connection, which is what it is here for.
  socket.on('error', () => undefined);
  socket.once('close', () => {
    each.lastedMs = performance.now() - each.since;
    each.bytes = socket.bytesWritten - written;
  });
}

function silent(): void {}

function drip(socket: Socket): void {
  const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
  let at = 0;
  const timer = setInterval(() => socket.write(answer.charAt(at++)), DRIP_MS);
  socket.once('close', () => clearInterval(timer));
}

function flood(socket: Socket): void {
  socket.write(`HTTP/1.1 503 Service Unavailable\r\ncontent-length: ${GIGABYTE}\r\n\r\n`);
  pour(socket);
}

function floodHead(socket: Socket): void {
  socket.write('HTTP/1.1 200 OK\r\nx-endless: ');
  pour(socket);
}

/** Sends a gigabyte, as fast as it is taken. */
function pour(socket: Socket): void {
  const more = (): void => {
    while (!socket.destroyed && socket.bytesWritten < GIGABYTE) if (!socket.write(CHUNK)) return;
  };
  socket.on('drain', more);
  more();
}

async function checkPending(
  ledger: Ledger,
  program: Program,
  names: readonly string[],
): Promise<void> {
  const { sinks } = await program.stats();
  for (const name of names) {
    const sink = sinks.find((each) => each.name === name);
    ledger.expect((sink?.pending ?? 0) > 0, `nothing was pending for the ${name} sink`);
    ledger.expect(sink?.deadLetters === 0, `the ${name} sink has dead letters`);
  }
}

function checkConnections(ledger: Ledger, name: string, seen: readonly Seen[]): void {
  const over = seen.filter(({ lastedMs }) => lastedMs !== undefined);
  const longest = Math.max(...over.map(({ lastedMs = 0 }) => lastedMs));
  const shortest = Math.min(...over.map(({ lastedMs = 0 }) => lastedMs));
  const most = Math.max(...over.map(({ bytes }) => bytes));
  ledger.expect(over.length > 0, `no attempt at the ${name} sink came to an end`);
  ledger.expect(
    longest <= TIMEOUT_MS + GRACE_MS,
    `an attempt at the ${name} sink took ${Math.round(longest)} ms`,
  );
  ledger.expect(
    !['silent', 'dripping'].includes(name) || shortest >= TIMEOUT_MS / 2,
    `an attempt at the ${name} sink ended after ${Math.round(shortest)} ms`,
  );
  ledger.expect(most <= MOST_TAKEN, `${most} bytes of the ${name} sink's answer were taken`);
}
