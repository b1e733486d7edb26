import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  eventually,
  type Receiver,
  readEvents,
  runCommand,
  startReceiver,
} from '../../support/receiver.js';
import { reloadUnderLoad } from './under-load.js';

const FIRST = 'the-first-secret-of-all';
const SECOND = 'the-second-secret-of-all';

const configOf = (secret: string, more: object = {}) => ({
  server: { port: 0 },
  admin: { port: 0 },
  sources: {
    in: { type: 'segment', path: '/in', verify: { scheme: 'shared-secret', secrets: [secret] } },
  },
  sinks: { archive: { type: 'file', path: './events.ndjson' } },
  ...more,
});

async function deliver(receiver: Receiver, secret: string, messageId: string): Promise<number> {
  const answer = await fetch(`${receiver.url}/in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-signature': secret },
    body: JSON.stringify({ type: 'track', event: 'E', messageId, userId: 'ann' }),
  });
  await answer.text();
  return answer.status;
}

const write = (receiver: Receiver, config: object): Promise<void> =>
  writeFile(join(receiver.directory, 'trackbridge.json'), JSON.stringify(config));

describe('a receiver that reads its configuration again', () => {
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver({ config: configOf(FIRST) });
  });
  afterAll(async () => {
    await receiver.end('SIGKILL');
  });
  const reload = (...args: string[]) =>
    runCommand(['reload', '--admin', receiver.adminUrl, ...args], { cwd: receiver.directory });

  it('rotates a secret and adds a sink, which gets the next event', async () => {
    expect(await deliver(receiver, FIRST, 'm1')).toBe(200);
    const { sinks } = configOf(SECOND);
    const added = { ...sinks, second: { type: 'file', path: './second.ndjson' } };
    await write(receiver, configOf(SECOND, { sinks: added }));
    expect(await reload()).toEqual({
      code: 0,
      stdout: 'reloaded: source in changed, sink second added\n',
      stderr: '',
    });
    expect(await deliver(receiver, FIRST, 'm2')).toBe(401);
    expect(await deliver(receiver, SECOND, 'm3')).toBe(200);
    const idsIn = async (file: string) =>
      (await readEvents(join(receiver.directory, file))).map(({ messageId }) => messageId);
    await eventually(
      () => idsIn('second.ndjson'),
      (ids) => ids.length > 0,
    );
    expect(await idsIn('second.ndjson')).toEqual(['m3']);
    await eventually(
      () => idsIn('events.ndjson'),
      (ids) => ids.length === 2,
    );
  });

  it('reports what needs a restart and applies the rest', async () => {
    const server = { port: 1, budget: '3s' };
    await write(receiver, configOf(SECOND, { server, outbox: { path: './elsewhere.db' } }));
    const { code, stdout } = await reload('--json');
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      {
        sinks: { added: [], removed: ['second'], changed: [] },
        server: ['server.budget'],
        restart: ['server.port', 'outbox.path'],
      },
    ]);
    expect(await deliver(receiver, SECOND, 'm4')).toBe(200);
  });

  it('rejects a configuration with errors, lists all of them, and changes nothing', async () => {
    const sinks = { archive: { type: 'fiel', path: './events.ndjson' } };
    await write(receiver, configOf(FIRST, { sinks, server: { port: 99_999 } }));
    const { code, stderr, stdout } = await reload();
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^trackbridge: trackbridge\.json:1:\d+: server\.port must be at most/),
      expect.stringMatching(/^trackbridge: trackbridge\.json:1:\d+: sinks\.archive\.type has/),
      '',
    ]);
    receiver.child.kill('SIGHUP');
    await eventually(
      () => receiver.stderr().split('the reload was rejected').length,
      (parts) => parts > 2,
    );
    expect(await deliver(receiver, SECOND, 'm5')).toBe(200);
    const metrics = await (await fetch(`${receiver.adminUrl}/metrics`)).text();
    expect(metrics).toContain('trackbridge_reloads_total{result="applied"} 2\n');
    expect(metrics).toContain('trackbridge_reloads_total{result="rejected"} 2\n');
    expect(metrics).toMatch(/\ntrackbridge_config_applied_timestamp_seconds \d+/);
  });

  it('writes no secret of any configuration to its log', async () => {
    expect(receiver.stderr()).not.toContain(FIRST);
    expect(receiver.stderr()).not.toContain(SECOND);
  });
});

describe('a receiver without a configuration file', () => {
  it('says that there is nothing to reload, and goes on', async () => {
    const receiver = await startReceiver({ args: ['--port', '0'] });
    receiver.child.kill('SIGHUP');
    await eventually(receiver.stderr, (text) => text.includes('nothing to reload'));
    expect((await fetch(`${receiver.url}/readyz`)).status).toBe(200);
    expect(await receiver.end()).toBe(0);
  });
});

describe('reloads under load', () => {
  it('lose nothing, duplicate nothing and keep the order of each user', async () => {
    await reloadUnderLoad(8, 1);
  });

  it('do the same with workers', async () => {
    await reloadUnderLoad(4, 2);
  });
});
