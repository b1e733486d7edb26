import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, type Receiver, runCommand, startReceiver } from '../support/receiver.js';
import { trackText } from '../support/sender.js';

const INITIAL = 200;
const USERS = Array.from({ length: 40 }, (_, user) => `u${user}`);

/** The far side: answers with `status` after a moment, in which a second request at the same time would be seen. */
const far = {
  status: 503,
  times: [] as number[],
  ids: [] as string[],
  underWay: 0,
  atOnce: 0,
};
const server = createServer((request, response) => {
  far.times.push(performance.now());
  far.underWay++;
  far.atOnce = Math.max(far.atOnce, far.underWay);
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    await pause(50);
    const { messageId } = JSON.parse(Buffer.concat(chunks).toString());
    if (far.status === 200) far.ids.push(messageId);
    far.underWay--;
    response.writeHead(far.status).end();
  });
});
let receiver: Receiver | undefined;

beforeEach(async () => {
  Object.assign(far, { status: 503, times: [], ids: [], underWay: 0, atOnce: 0 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await receiver?.end('SIGKILL');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const start = async (directory?: string): Promise<Receiver> => {
  const { port } = server.address() as AddressInfo;
  receiver = await startReceiver({
    ...(directory === undefined ? {} : { directory }),
    config: {
      server: { port: 0 },
      admin: { port: 0 },
      sources: {
        in: { type: 'segment', path: '/in', verify: { scheme: 'none' } },
        patient: {
          type: 'segment',
          path: '/patient',
          verify: { scheme: 'none' },
          ack: 'delivered',
        },
      },
      sinks: {
        far: {
          type: 'http',
          url: `http://127.0.0.1:${port}/`,
          allowPrivateAddresses: true,
          lanes: 8,
          batch: { size: 1, wait: 0 },
          retry: { initial: INITIAL, max: '1s', giveUpAfter: '24h' },
        },
      },
    },
  });
  return receiver;
};
const batch = (round: number): string =>
  `[${USERS.map((userId) => trackText(`${round}-${userId}`, { userId })).join()}]`;
const post = (path: string, body: string): Promise<Response> =>
  fetch(`${receiver?.url}${path}`, { method: 'POST', body });

interface SinkStats {
  readonly circuit: string;
  readonly circuitSince: string;
  readonly nextProbeInMs?: number;
  readonly pending: number;
}
const statsOf = async (): Promise<SinkStats> => {
  const answer = await fetch(`${receiver?.adminUrl}/api/stats`);
  return ((await answer.json()) as { sinks: [SinkStats] }).sinks[0];
};
const metric = async (name: string): Promise<string | undefined> => {
  const text = await (await fetch(`${receiver?.adminUrl}/metrics`)).text();
  return text.split('\n').find((line) => line.startsWith(`${name}{sink="far"}`));
};

describe('a sink that answers 503', () => {
  it('is asked by one lane at a time once its circuit is open, shows it, and gets everything when it is back', async () => {
    const { adminUrl, stderr } = await start();
    expect((await post('/in', batch(1))).status).toBe(200);
    await eventually(statsOf, ({ circuit }) => circuit !== 'closed');
    await eventually(
      () => far.underWay,
      (underWay) => underWay === 0,
    );
    const opening = far.times.length;
    expect(opening).toBeLessThanOrEqual(8 + 1);
    far.atOnce = 0;
    await eventually(
      () => far.times.length - opening,
      (probes) => probes >= 6,
    );
    expect(far.atOnce).toBe(1);
    const gaps = far.times.slice(opening).map((time, at, all) => time - (all[at - 1] ?? 0));
    // Half of the backoff stays whatever the jitter; a little less for the way through the network.
    for (const gap of gaps.slice(1)) expect(gap).toBeGreaterThan(INITIAL / 2 - 10);

    const open = await eventually(statsOf, ({ circuit }) => circuit === 'open');
    expect(open.nextProbeInMs).toBeLessThanOrEqual(1_000);
    expect(Math.abs(Date.parse(open.circuitSince) - Date.now())).toBeLessThan(60_000);
    expect(open.pending).toBe(USERS.length);
    expect(await metric('trackbridge_sink_circuit')).toMatch(/ [12]$/);
    expect(await metric('trackbridge_sink_circuit_openings_total')).toMatch(/ 1$/);
    const { stdout } = await runCommand(['stats', '--admin', adminUrl]);
    expect(stdout).toMatch(/^SINK .* CIRCUIT .*\nfar +\S+ +(open, next probe in \ds|half-open) /m);

    far.status = 200;
    expect((await post('/patient', batch(2))).status).toBe(200);
    const closed = await eventually(statsOf, ({ pending }) => pending === 0);
    expect(closed.circuit).toBe('closed');
    expect(await metric('trackbridge_sink_circuit')).toMatch(/ 0$/);
    for (const userId of USERS) {
      const mine = far.ids.filter((id) => id.endsWith(`-${userId}`));
      expect(mine).toEqual([`1-${userId}`, `2-${userId}`]);
    }
    const lines = (word: string): number => stderr().split(word).length - 1;
    await eventually(
      () => lines('its circuit is closed'),
      (count) => count === 1,
    );
    expect(lines('its circuit is open')).toBe(1);
  }, 30_000);

  it('does not hold up a drain, and gets everything after the next start', async () => {
    const { directory, end } = await start();
    expect((await post('/in', batch(1))).status).toBe(200);
    await eventually(statsOf, ({ circuit }) => circuit === 'open');
    const since = performance.now();
    expect(await end('SIGTERM')).toBe(0);
    expect(performance.now() - since).toBeLessThan(3_000);

    far.status = 200;
    await start(directory);
    await eventually(statsOf, ({ pending }) => pending === 0);
    expect(far.ids.sort()).toEqual(USERS.map((userId) => `1-${userId}`).sort());
  }, 30_000);
});
