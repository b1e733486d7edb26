import { rm } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, type Receiver, runCommand, startReceiver } from '../support/receiver.js';
import { deliverSegment, trackText } from '../support/sender.js';

const SECRET = 'the-secret-of-the-dashboard';
const WRONG = 'a-secret-of-somebody-else';

let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.end('SIGKILL');
  if (receiver !== undefined) await rm(receiver.directory, { recursive: true, force: true });
  receiver = undefined;
});

const start = async (source: object = {}, directory?: string): Promise<Receiver> => {
  const verify = { scheme: 'segment-signature', secrets: [SECRET] };
  receiver = await startReceiver({
    config: {
      server: { port: 0 },
      admin: { port: 0 },
      sources: { shop: { type: 'segment', path: '/segment', verify, ...source } },
      sinks: {},
    },
    ...(directory !== undefined && { directory }),
  });
  return receiver;
};
let ids = 0;
const deliver = ({ url }: Receiver, secret: string): Promise<Response> =>
  deliverSegment(`${url}/segment`, trackText(`m-${ids++}`), secret);
const metricOf = async ({ adminUrl }: Receiver, name: string): Promise<string | undefined> => {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return new RegExp(`^trackbridge_${name}{source="shop"} (\\S+)`, 'm').exec(text)?.[1];
};
const sourceOf = async ({ adminUrl }: Receiver): Promise<unknown> => {
  const stats = (await (await fetch(`${adminUrl}/api/stats`)).json()) as { sources: unknown[] };
  return stats.sources[0];
};

describe('a secret that no longer is the sender’s', () => {
  it('is said once, shows in metric and stats, and ends with a delivery that verifies', async () => {
    const running = await start();
    for (let at = 0; at < 5; at++) expect((await deliver(running, SECRET)).status).toBe(200);
    expect(await metricOf(running, 'secret_suspect')).toBe('0');
    const refuse = async (): Promise<string> => {
      expect((await deliver(running, WRONG)).status).toBe(401);
      return running.stderr();
    };
    for (let at = 0; at < 6; at++) await refuse();
    // Without a further delivery: there may be none for hours.
    await eventually(running.stderr, (text) => text.includes('SECRET_SUSPECT'), 30_000);
    await refuse();
    expect(running.stderr().match(/SECRET_SUSPECT/g)).toHaveLength(1);
    expect(await metricOf(running, 'secret_suspect')).toBe('1');
    expect(await sourceOf(running)).toMatchObject({ name: 'shop', authentication: 'suspect' });
    const { stdout } = await runCommand(['stats', '--admin', running.adminUrl]);
    expect(stdout).toMatch(/^shop +suspect +\d+$/m);

    expect((await deliver(running, SECRET)).status).toBe(200);
    await eventually(running.stderr, (text) => text.includes('SECRET_HOLDS'));
    expect(await metricOf(running, 'secret_suspect')).toBe('0');
    expect(await sourceOf(running)).toEqual({
      name: 'shop',
      authentication: 'authenticated',
      refused: 0,
    });
  }, 60_000);

  it('and never was has a hint of its own', async () => {
    const running = await start();
    for (let at = 0; at < 5; at++) expect((await deliver(running, WRONG)).status).toBe(401);
    const text = await eventually(running.stderr, (all) => all.includes('SECRET_UNPROVEN'));
    expect(text).toContain('compare the secret with the one in the dashboard');
    expect(await metricOf(running, 'secret_suspect')).toBe('0');
  });
});

describe('what nothing authenticates and is kept in quarantine', () => {
  it('is bounded: 503 at the limit, also after a restart, until some is purged', async () => {
    const limited = { onUnauthenticated: 'quarantine', unauthenticatedLimit: 2 };
    const first = await start(limited);
    for (let at = 0; at < 2; at++) expect((await deliver(first, WRONG)).status).toBe(200);
    for (let at = 0; at < 3; at++) {
      const refused = await deliver(first, WRONG);
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get('retry-after'))).toBe(30);
    }
    expect((await deliver(first, SECRET)).status).toBe(200);
    expect(first.stderr().match(/QUARANTINE_FULL/g)).toHaveLength(1);
    await first.end('SIGKILL');

    const second = await start(limited, first.directory);
    expect((await deliver(second, WRONG)).status).toBe(503);
    const purge = ['quarantine', 'purge', '--all', '--admin', second.adminUrl];
    expect(await runCommand(purge)).toMatchObject({ code: 0 });
    expect((await deliver(second, WRONG)).status).toBe(200);
  }, 60_000);
});
