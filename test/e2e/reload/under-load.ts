import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { eventually, type Receiver, startReceiver } from '../../support/receiver.js';
import { type Collector, startCollector } from './collector.js';
import { type Load, startLoad } from './load.js';

const USERS = 6;

/** At least so many events are acknowledged between two reloads. */
const BETWEEN = 3;

const secretOf = (step: number): string => `the-secret-of-step-${step}`;

/** The configuration of a step: secrets rotate, a sink changes, another comes and goes, the share of a third rises. */
function configOf(step: number, steps: number, url: string, workers: number): object {
  const http = (path: string) => ({
    type: 'http',
    url: `${url}${path}`,
    allowPrivateAddresses: true,
    lanes: 3,
  });
  const secrets = [secretOf(step), ...(step > 0 ? [secretOf(step - 1)] : [])];
  const verify = { scheme: 'shared-secret', secrets };
  const isThere = step % 2 === 0 || step >= steps - 1;
  return {
    server: { port: 0, workers, maxConcurrent: 1_000 + step },
    admin: { port: 0 },
    sources: {
      in: { type: 'segment', path: '/in', verify },
      ...(isThere
        ? { other: { type: 'segment', path: '/other', verify: { scheme: 'none' } } }
        : {}),
    },
    sinks: {
      same: http('/same'),
      changed: { ...http('/changed'), headers: { 'x-step': String(step) } },
      ramp: { ...http('/ramp'), where: { percent: Math.round((100 * step) / steps) } },
      ...(isThere ? { often: http('/often') } : {}),
    },
  };
}

/** Reloads so often while events arrive, and expects that each of them is delivered once, in order. */
export async function reloadUnderLoad(steps: number, workers: number): Promise<void> {
  const collector = await startCollector();
  const receiver = await startReceiver({ config: configOf(0, steps, collector.url, workers) });
  let step = 0;
  const load = startLoad(`${receiver.url}/in`, USERS, () => secretOf(step));
  try {
    for (let next = 1; next <= steps; next++) {
      const before = load.count();
      await eventually(load.count, (count) => count >= before + BETWEEN);
      await write(receiver, configOf(next, steps, collector.url, workers));
      await reload(receiver, next);
      step = next;
    }
    await load.end();
    await check(load, collector);
    expect(await receiver.end()).toBe(0);
  } finally {
    await load.end();
    await receiver.end('SIGKILL');
    await collector.close();
  }
}

/** Replaces the file as a whole, as an editor does. */
async function write(receiver: Receiver, config: object): Promise<void> {
  const file = join(receiver.directory, 'trackbridge.json');
  await writeFile(`${file}.new`, JSON.stringify(config));
  await rename(`${file}.new`, file);
}

/** Reloads by a request or by a signal, in turn. */
async function reload(receiver: Receiver, step: number): Promise<void> {
  if (step % 2 === 0) {
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: '{}' };
    const answer = await fetch(`${receiver.adminUrl}/api/reload`, init);
    expect([answer.status, await answer.text()]).toMatchObject([200, expect.any(String)]);
    return;
  }
  const reloads = (): number => receiver.stderr().split('"msg":"reloaded: ').length;
  const before = reloads();
  receiver.child.kill('SIGHUP');
  await eventually(reloads, (now) => now > before);
}

async function check(load: Load, collector: Collector): Promise<void> {
  expect(load.faults).toEqual([]);
  expect(load.connections()).toBe(USERS);
  for (const path of ['/same', '/changed', '/often']) {
    await eventually(
      () => collector.at(path).length,
      (count) => count >= load.count(),
    );
    expect(byUser(collector.at(path)), path).toEqual(Object.fromEntries(load.acknowledged));
  }
  // Who is included stays included: each user's events are the last ones, without a gap.
  for (const [user, came] of Object.entries(byUser(collector.at('/ramp')))) {
    expect(came).toEqual(load.acknowledged.get(user)?.slice(-came.length));
  }
}

function byUser(ids: readonly string[]): Record<string, string[]> {
  const users: Record<string, string[]> = {};
  for (const id of ids) {
    const user = id.split('-')[0] ?? '';
    users[user] = [...(users[user] ?? []), id];
  }
  return users;
}
