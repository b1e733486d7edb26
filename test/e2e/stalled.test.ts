import { setTimeout as pass } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type RawConnection, rawConnection } from '../http/sockets.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { trackText } from '../support/sender.js';

const BUDGET = 1000;
/** How long the process is stopped: the fault itself, so that it takes as long as it takes. */
const STOPPED = 2 * BUDGET;

let receiver: Receiver | undefined;
afterEach(async () => {
  receiver?.child.kill('SIGCONT');
  await receiver?.end('SIGKILL');
  receiver = undefined;
});

const PATHS = ['/segment', '/rudderstack', '/api/v1/track'];

async function start(): Promise<Receiver> {
  receiver = await startReceiver({
    config: {
      server: { port: 0, budget: `${BUDGET}ms` },
      sources: {
        segment: { type: 'segment', path: '/segment', verify: { scheme: 'none' } },
        rudderstack: { type: 'rudderstack', path: '/rudderstack', verify: { scheme: 'none' } },
        api: { type: 'tracking-api', path: '/api', writeKeys: ['a-key-of-the-test'] },
      },
      sinks: {},
    },
  });
  return receiver;
}

/** A delivery in two parts, cut so many bytes before the end of its head (negative) or after it. */
function inTwo(path: string, at: number): readonly [string, string] {
  const body = trackText('m-1', { writeKey: 'a-key-of-the-test' });
  const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`;
  const whole = head + body;
  return [whole.slice(0, head.length + at), whole.slice(head.length + at)];
}

/** Sends first parts, stops the process until its budget is long over, sends the second parts meanwhile. */
async function acrossAStop(
  { child, url }: Receiver,
  parts: readonly (readonly [string, string])[],
): Promise<readonly RawConnection[]> {
  const port = Number(new URL(url).port);
  const connections = await Promise.all(parts.map(() => rawConnection(port)));
  for (const [index, { write }] of connections.entries()) write(parts[index]?.[0] ?? '');
  // What was written before these requests is read before they are answered.
  for (let count = 0; count < 2; count++) await fetch(`${url}/livez`);
  child.kill('SIGSTOP');
  for (const [index, { write }] of connections.entries()) write(parts[index]?.[1] ?? '');
  await pass(STOPPED);
  child.kill('SIGCONT');
  return connections;
}

describe('a receiver that was stopped in the middle of a request', () => {
  it.each([
    ['head', -20],
    ['body', 30],
  ])('answers 503 where the rest of its %s was there when it ran again', async (_part, at) => {
    const running = await start();
    const connections = await acrossAStop(running, [
      ...PATHS.map((path) => inTwo(path, at)),
      ...PATHS.map((path) => inTwo(path, at)),
    ]);
    for (const { until, text, socket } of connections) {
      await until('\r\n\r\n');
      expect(text()).toMatch(/^HTTP\/1.1 503 [\s\S]*retry-after: \d/i);
      socket.destroy();
    }
    expect((await fetch(`${running.url}/livez`)).status).toBe(200);
  });

  it('answers 503 where the rest never came, since it cannot know when it would have', async () => {
    const running = await start();
    const parts = PATHS.flatMap((path) => [inTwo(path, -20), inTwo(path, 30)]);
    const connections = await acrossAStop(
      running,
      parts.map(([first]) => [first, ''] as const),
    );
    for (const { until, text, socket } of connections) {
      await until('\r\n\r\n');
      expect(text()).toMatch(/^HTTP\/1.1 503 /);
      socket.destroy();
    }
  });
});
