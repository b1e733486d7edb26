// How far over its budget the latest answer comes when what it waits for never does: a disk whose fsync hangs, bodies and
// heads that trickle. Beside it the lateness of a plain timer in this process in the same run, which is the machine's.
import { rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { compileSlowDisk } from '../test/shim/slow-disk.js';
import { startReceiver } from '../test/support/receiver.js';
import { trackText } from '../test/support/sender.js';

const BUDGET = 1000;
const ALLOWED = 100;
const CONNECTIONS = 100;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Sends `head` at once and a byte every 50 ms; resolves to the milliseconds until the first byte of an answer. */
function answerTime(url: string, head: string, rest: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let sentAt = 0;
    let at = 0;
    let timer: NodeJS.Timeout | undefined;
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
      sentAt = performance.now();
      socket.write(head);
      timer = setInterval(() => {
        if (at < rest.length) socket.write(rest[at++] ?? '');
      }, 50);
    });
    socket.once('data', () => {
      clearInterval(timer);
      resolve(performance.now() - sentAt);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

async function measure(name: string, one: () => Promise<number>): Promise<void> {
  const startedAt = performance.now();
  const timer = new Promise<number>((resolve) => {
    setTimeout(() => resolve(performance.now() - startedAt), BUDGET);
  });
  const times = await Promise.all(Array.from({ length: CONNECTIONS }, one));
  const over = Math.max(...times) - BUDGET;
  const late = (await timer) - BUDGET;
  say(
    `${name.padEnd(28)} ${over.toFixed(0).padStart(5)} ms over   (a timer here: ${late.toFixed(0)} ms)   ` +
      `at most ${ALLOWED}: ${over <= ALLOWED ? 'met' : 'MISSED'}`,
  );
}

const disk = await compileSlowDisk();
const receiver = await startReceiver({
  config: {
    server: { port: 0, budget: `${BUDGET}ms` },
    sources: { segment: { type: 'segment', path: '/segment', verify: { scheme: 'none' } } },
    sinks: {},
  },
  env: disk.env('outbox.db'),
});
const { url, directory } = receiver;
const post = (body: string): string =>
  `POST /segment HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

say(`budget ${BUDGET} ms, ${CONNECTIONS} connections at once, latest answer of each kind`);
await measure('a body that trickles', () =>
  answerTime(
    url,
    'POST /segment HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\n\r\n{',
    ' '.repeat(100),
  ),
);
await measure('a head that trickles', () =>
  answerTime(url, 'POST /segment HTTP/1.1\r\nx-', 'a'.repeat(100)),
);
await writeFile(join(directory, disk.hangFile), '');
let id = 0;
await measure('a disk whose fsync hangs', () =>
  answerTime(url, post(trackText(`hung-${id++}`)), ''),
);
await rm(join(directory, disk.hangFile));
await receiver.end();
