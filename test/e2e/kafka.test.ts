import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { hasKcat, type MockKafka, startMockKafka } from '../support/kafka.js';
import { fence, sinkExample } from '../support/markdown.js';
import { eventually, makeDirectory, runCommand, startReceiver } from '../support/receiver.js';

const PAGE = readFileSync(new URL('../../docs/sinks/kafka.md', import.meta.url), 'utf8');
const OPEN = { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } };
const TYPES = ['track', 'page', 'screen', 'identify'];
const EVENTS = 10_000;
const USERS = 50;

describe.runIf(hasKcat())('the manual’s kafka sink', () => {
  let kafka: MockKafka;
  let directory: string;
  const sasl = parse(fence(PAGE, 'yaml', 'kafka-sasl'));
  const sink = sinkExample(PAGE, 'kafka-sink');
  beforeAll(async () => {
    kafka = await startMockKafka();
    directory = await makeDirectory();
  });
  afterAll(async () => {
    await kafka.stop();
    await rm(directory, { recursive: true });
  });

  it('keeps every event and each user’s order, over connections that break again and again', async () => {
    const config = {
      server: { port: 0 },
      admin: { port: 0 },
      sources: OPEN,
      sinks: {
        kafka: {
          ...sink,
          brokers: [kafka.broker],
          batch: { wait: '1ms' },
          retry: { initial: '10ms', max: '50ms' },
        },
      },
    };
    const receiver = await startReceiver({ directory, config });
    for (let from = 0; from < EVENTS; from += 500) {
      const batch = Array.from({ length: 500 }, (_, index) => ({
        type: TYPES[(from + index) % TYPES.length],
        messageId: `m-${from + index}`,
        userId: `u-${(from + index) % USERS}`,
        event: 'Order Completed',
        name: 'Home',
        properties: { at: from + index, text: 'Zoë' },
      }));
      const body = JSON.stringify({ batch });
      const answer = await fetch(`${receiver.url}/in`, { method: 'POST', body });
      expect(answer.status).toBe(200);
      if (from % 2_000 === 0) kafka.relay.cut();
    }
    await eventually(
      async () => await (await fetch(`${receiver.adminUrl}/metrics`)).text(),
      (text) => /^trackbridge_pending_events(?:\{.*\})? 0$/m.test(text),
    );
    expect(await receiver.end()).toBe(0);

    const read = await Promise.all(TYPES.map((type) => kafka.read(`events.${type}`)));
    const ids = read.flat().map(({ value }) => JSON.parse(value).messageId);
    expect(new Set(ids).size).toBe(EVENTS);
    for (const records of read) {
      const newest = new Map<string, number>();
      const seen = new Set<string>();
      for (const { key, value } of records) {
        const { messageId } = JSON.parse(value);
        // What a broken connection left unanswered comes again.
        if (seen.has(messageId)) continue;
        seen.add(messageId);
        const at = Number(messageId.slice(2));
        expect(at).toBeGreaterThan(newest.get(key) ?? -1);
        newest.set(key, at);
      }
    }
  });

  it('is told from one that cannot be reached, in one line', async () => {
    const check = async (broker: string) => {
      const here = { ...sink, brokers: [broker] };
      await writeFile(
        join(directory, 'check.json'),
        JSON.stringify({ sources: OPEN, sinks: { kafka: here } }),
      );
      const args = ['check', '--config', 'check.json', '--connect'];
      return await runCommand(args, { cwd: directory });
    };
    expect(await check(kafka.broker)).toMatchObject({ code: 0, stderr: expect.anything() });
    const { code, stderr } = await check('127.0.0.1:1');
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toBe(
      'trackbridge: sink kafka: 127.0.0.1:1: the connection failed (ECONNREFUSED); check that the brokers are running, and ssl',
    );
  });

  it('is valid with TLS and a user, whose password is not shown', async () => {
    await writeFile(
      join(directory, 'sasl.json'),
      JSON.stringify({ sources: OPEN, sinks: { kafka: { ...sink, ...sasl } } }),
    );
    const env = { KAFKA_PASSWORD: 'hunter2-password' };
    const args = ['check', '--config', 'sasl.json', '--json'];
    const { code, stdout } = await runCommand(args, { cwd: directory, env });
    expect(code).toBe(0);
    expect(stdout).not.toContain('hunter2');
  });
});
