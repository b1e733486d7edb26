import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliverMany } from '../support/deliver-many.js';
import { sinkExample } from '../support/markdown.js';
import { type Listener, listenTo, type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { eventually, makeDirectory, runCommand, startReceiver } from '../support/receiver.js';
import { requireServer } from '../support/servers.js';

const PAGE = readFileSync(new URL('../../docs/sinks/mqtt.md', import.meta.url), 'utf8');
const sink = sinkExample(PAGE, 'mqtt-sink');
const OPEN = { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } };
const EVENTS = 10_000;
const isThere = await requireServer('Mosquitto', 1883);

describe.runIf(isThere)('the manual’s mqtt sink', () => {
  let broker: Mosquitto;
  let listener: Listener;
  let directory: string;
  beforeAll(async () => {
    broker = await startMosquitto();
    listener = await listenTo(broker.port, 'events');
    directory = await makeDirectory();
  });
  afterAll(async () => {
    await listener.close();
    await broker.dispose();
    await rm(directory, { recursive: true });
  });

  it('keeps every event and each user’s order while the broker restarts twice', async () => {
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const quick = { batch: { wait: '1ms' }, retry: { initial: '10ms', max: '50ms' } };
    const receiver = await startReceiver({
      directory,
      config: {
        server: { port: 0 },
        admin: { port: 0 },
        sources: OPEN,
        sinks: { mqtt: { ...sink, url, ...quick } },
      },
    });
    const delivering = deliverMany(`${receiver.url}/in`, EVENTS);
    for (let restart = 0; restart < 2; restart++) {
      const before = (await listener.received()).length;
      await eventually(
        async () => (await listener.received()).length,
        (count) => count > before + 500,
      );
      await broker.stop();
      await broker.start();
    }
    const ids = await delivering;
    await eventually(
      async () => await (await fetch(`${receiver.adminUrl}/metrics`)).text(),
      (text) => /^trackbridge_pending_events(?:\{.*\})? 0$/m.test(text),
    );
    expect(await receiver.end()).toBe(0);

    const arrived = (await listener.received()).map(({ text }) => JSON.parse(text));
    const byUser = new Map<string, Set<string>>();
    for (const { userId, messageId } of arrived) {
      byUser.set(userId, (byUser.get(userId) ?? new Set()).add(messageId));
    }
    const firsts = [...byUser].map(([user, seen]) => [user, [...seen]] as const);
    expect(new Map(firsts)).toEqual(ids);
  });

  it.each([
    [() => broker.port, 0, ''],
    [() => 1, 1, 'trackbridge: sink mqtt: 127.0.0.1:1: the connection failed (ECONNREFUSED)'],
  ])('is checked in one line', async (port, code, says) => {
    const config = {
      sources: OPEN,
      sinks: { mqtt: { ...sink, url: `mqtt://127.0.0.1:${port()}` } },
    };
    await writeFile(`${directory}/check.json`, JSON.stringify(config));
    const args = ['check', '--config', 'check.json', '--connect'];
    const checked = await runCommand(args, { cwd: directory });
    expect(checked.code).toBe(code);
    expect(checked.stderr).toContain(says);
  });
});
