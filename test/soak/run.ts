// A million events (SOAK_EVENTS) through the built program into a sink that fails one time in ten. Prints what the program
// holds as it goes, and exits 1 where anything is lost, doubled or overtaken, or where it holds more and more.
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { type Footprint, quarters, watchFootprint } from '../faults/memory.js';
import { type Program, startProgram } from '../faults/program.js';
import { deliver, segmentHeaders } from '../faults/senders.js';
import { eventually, makeDirectory } from '../support/receiver.js';
import { trackText } from '../support/sender.js';
import { Tally } from './tally.js';

const EVENTS = Number(process.env['SOAK_EVENTS'] ?? 1_000_000);
const USERS = 1_000;
const SENDERS = 8;
const BATCH = 100;
const FAILS_EVERY = 10;
/** Senders wait while so many events are under way: a sink in trouble sets the pace, and the backlog stays alike. */
const MOST_UNDER_WAY = 20_000;
const SAYS_EVERY_MS = 5_000;
const LOOKS_EVERY_MS = 250;
/** What the last quarter of the run may hold more than the second one; the first is warm-up. */
const GROWTH = 1.1;
const PADDING = 'x'.repeat(400);

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Takes events and counts them, but answers every tenth request 500 and takes nothing of it. */
async function openSink(tally: Tally): Promise<Server & { readonly failed: () => number }> {
  let requests = 0;
  let failed = 0;
  const take = async (request: IncomingMessage): Promise<number> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (++requests % FAILS_EVERY === 0) {
      failed++;
      return 500;
    }
    // Not parsed: the sink shares the machine with what is measured.
    for (const [, event] of Buffer.concat(chunks)
      .toString('latin1')
      .matchAll(/"messageId":"soak-(\d+)"/g)) {
      tally.arrive(Number(event));
    }
    return 200;
  };
  const server = createServer((request, response) => {
    take(request).then(
      (status) => response.writeHead(status).end(),
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(server, { failed: () => failed });
}

/** One sender's share, in batches, each until it is answered 200. A user's events are all of one sender. */
async function send(
  program: Program,
  sender: number,
  tally: Tally,
  dispatcher: Agent,
): Promise<void> {
  const url = `${program.url}/segment`;
  const mine = (event: number): boolean => (event % USERS) % SENDERS === sender;
  let events: number[] = [];
  for (let event = 0; event < EVENTS; event++) {
    if (mine(event)) events.push(event);
    if (events.length < BATCH && event < EVENTS - 1) continue;
    if (events.length === 0) continue;
    while (tally.answered - tally.arrived > MOST_UNDER_WAY) await sleep(5);
    const texts = events.map((each) =>
      trackText(`soak-${each}`, { userId: `user-${each % USERS}`, context: { note: PADDING } }),
    );
    const body = `[${texts.join(',')}]`;
    const options = { dispatcher, timeoutMs: 10_000 };
    while ((await deliver(url, body, segmentHeaders(body), options)).status !== 200) {
      if (program.child.exitCode !== null) {
        throw new Error(`the program ended: ${program.stderr().slice(-500)}`);
      }
      await sleep(50);
    }
    for (const each of events) tally.answer(each);
    events = [];
  }
}

/** What did not hold, one line each. */
function judge(tally: Tally, samples: readonly Footprint[]): readonly string[] {
  const memory = quarters(samples.map(({ megabytes }) => megabytes));
  const handles = quarters(samples.map((sample) => sample.handles));
  const flat = (name: string, unit: string, { second, last }: typeof memory): boolean => {
    const held = last <= second * GROWTH;
    say(
      `${name}: median ${second.toFixed(0)}${unit} in the second quarter, ${last.toFixed(0)}${unit} in the last; ` +
        `at most ${Math.round((GROWTH - 1) * 100)} % more: ${held ? 'held' : 'NOT HELD'}`,
    );
    return held;
  };
  const lost = tally.lost();
  say(`lost ${lost}, duplicated ${tally.duplicated}, out of order ${tally.overtaken}`);
  return [
    flat('resident memory', ' MB', memory) ? '' : 'memory grows',
    flat('open file handles', '', handles) ? '' : 'file handles grow',
    tally.answered === EVENTS ? '' : `only ${tally.answered} of ${EVENTS} were answered 200`,
    lost === 0 ? '' : `${lost} were lost`,
    tally.duplicated === 0 ? '' : `${tally.duplicated} came twice`,
    tally.overtaken === 0 ? '' : `${tally.overtaken} were overtaken`,
  ].filter((problem) => problem !== '');
}

const tally = new Tally(EVENTS, USERS);
const sink = await openSink(tally);
const directory = await makeDirectory();
const program = await startProgram(directory, {
  config: {
    // Short, so that deleting what is delivered is part of it.
    outbox: { retention: '30s' },
    sinks: {
      hook: {
        type: 'http',
        url: `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`,
        allowPrivateAddresses: true,
        body: 'array',
        retry: { initial: '20ms', max: '1s' },
      },
    },
  },
});
// Its end ends the senders, and all is put away as after a whole run.
const interrupt = (): void => void program.child.kill('SIGTERM');
process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
const startedAt = performance.now();
let saidAt = startedAt;
const watch = watchFootprint(program.child.pid ?? 0, LOOKS_EVERY_MS, (sample) => {
  if (sample.at - saidAt < SAYS_EVERY_MS) return;
  saidAt = sample.at;
  say(
    `${((sample.at - startedAt) / 1000).toFixed(0).padStart(4)} s  answered ${String(tally.answered).padStart(8)}` +
      `  delivered ${String(tally.arrived).padStart(8)}  resident ${sample.megabytes.toFixed(0).padStart(4)} MB` +
      `  handles ${sample.handles}`,
  );
});
try {
  const dispatcher = new Agent({ connections: SENDERS });
  await Promise.all(
    Array.from({ length: SENDERS }, (_, sender) => send(program, sender, tally, dispatcher)),
  );
  watch.stop();
  await eventually(
    () => tally.answered - tally.arrived,
    (left) => left === 0,
    60_000,
  ).catch(() => undefined);
  await dispatcher.destroy();
  const seconds = (performance.now() - startedAt) / 1000;
  say(`${EVENTS} events in ${seconds.toFixed(0)} s; ${sink.failed()} requests were answered 500`);
  const problems = judge(tally, watch.samples);
  for (const problem of problems) say(`! ${problem}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  watch.stop();
  await program.end();
  sink.closeAllConnections();
  sink.close();
  await rm(directory, { recursive: true, force: true });
}
