import { rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { compileSlowDisk } from '../../test/shim/slow-disk.js';
import { startReceiver } from '../../test/support/receiver.js';
import { trackText } from '../../test/support/sender.js';
import type { Line } from '../report/result.js';
import { spreadOf } from '../statistics.js';
import type { Section } from './section.js';

/** Milliseconds. */
const BUDGET = 1_000;
const ALLOWED = 100;
const CONNECTIONS = 100;

/**
 * How far over its budget the latest answer comes when what it waits for never does: a disk whose fsync hangs, bodies and
 * heads that trickle. Beside it the lateness of a plain timer in this process in the same run, which is the machine's.
 */
export const budget: Section = {
  name: 'budget',
  async run() {
    const disk = await compileSlowDisk();
    const receiver = await startReceiver({
      config: {
        server: { port: 0, budget: `${BUDGET}ms` },
        sources: { segment: { type: 'segment', path: '/segment', verify: { scheme: 'none' } } },
        sinks: {},
      },
      env: disk.env('outbox.db'),
    });
    const { directory, url } = receiver;
    const hang = join(directory, disk.hangFile);
    try {
      const head = 'POST /segment HTTP/1.1\r\n';
      const lines = [
        await measure('a body that trickles', () =>
          answerTime(url, `${head}host: x\r\ncontent-length: 9999\r\n\r\n{`, ' '.repeat(100)),
        ),
        await measure('a head that trickles', () => answerTime(url, `${head}x-`, 'a'.repeat(100))),
      ];
      await writeFile(hang, '');
      let id = 0;
      lines.push(
        await measure('a disk whose fsync hangs', () => {
          const body = trackText(`hung-${id++}`);
          const length = `content-length: ${body.length}`;
          return answerTime(url, `${head}host: x\r\n${length}\r\n\r\n${body}`, '');
        }),
      );
      return lines;
    } finally {
      await rm(hang, { force: true });
      await receiver.end();
      await rm(directory, { recursive: true, force: true });
    }
  },
};

async function measure(name: string, one: () => Promise<number>): Promise<Line> {
  const startedAt = performance.now();
  const timer = new Promise<number>((resolve) => {
    setTimeout(() => resolve(performance.now() - startedAt), BUDGET);
  });
  const times = await Promise.all(Array.from({ length: CONNECTIONS }, one));
  return {
    name: `${name}, ${CONNECTIONS} connections`,
    figures: {
      late: spreadOf([Math.max(...times) - BUDGET]),
      timer: spreadOf([(await timer) - BUDGET]),
    },
    targets: [{ column: 'late', atMost: ALLOWED }],
  };
}

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
