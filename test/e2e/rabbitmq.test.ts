import { readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sinkEvent } from '../sinks/events.js';
import { makeSink, never, openBroker, PORT, urlTo } from '../sinks/rabbitmq/setup.js';
import { sinkExample } from '../support/markdown.js';
import { hasRabbitNode, type RabbitNode, startRabbitNode } from '../support/rabbitmq-node.js';
import {
  eventually,
  makeDirectory,
  type Receiver,
  runCommand,
  startReceiver,
} from '../support/receiver.js';
import { trackText } from '../support/sender.js';
import { requireServer } from '../support/servers.js';

const EVENTS = 10_000;
const BATCH = 500;
const USERS = 40;
const there = (await requireServer('RabbitMQ', PORT)) && hasRabbitNode();
const SOURCES = { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } };

describe.runIf(there)('events on their way to RabbitMQ', () => {
  let node: RabbitNode;
  beforeAll(async () => {
    node = await startRabbitNode();
  });
  afterAll(async () => {
    await node?.dispose();
  });

  it('all arrive, in each user’s order, though the server crashes', async () => {
    const sink = { batch: { size: 100, wait: 10 }, retry: { initial: 50, max: 500 } };
    const url = urlTo(node.port);
    const receiver = await startReceiver({
      config: {
        server: { port: 0 },
        sources: SOURCES,
        sinks: { mq: { type: 'rabbitmq', url, queue: 'events', declare: true, ...sink } },
      },
    });
    try {
      await sendAll(receiver, async (sent) => {
        if (sent === EVENTS / 2) await node.crash();
      });
      const broker = await openBroker(node.port);
      const numbers = new Map<string, number>();
      let [misplaced, duplicates] = [0, 0];
      const seen = new Set<string>();
      const arrived = async (): Promise<number> => {
        for (const { content, properties } of await broker.take('events')) {
          const { userId, properties: own } = JSON.parse(content.toString());
          if (seen.has(properties.messageId)) duplicates++;
          else if (own.n < (numbers.get(userId) ?? 0)) misplaced++;
          if (!seen.has(properties.messageId)) numbers.set(userId, own.n);
          seen.add(properties.messageId);
        }
        return seen.size;
      };
      expect(await eventually(arrived, (count) => count >= EVENTS)).toBe(EVENTS);
      expect(misplaced).toBe(0);
      // What was published and not confirmed when the server went comes again: at most a batch a lane.
      expect(duplicates).toBeLessThanOrEqual(800);
      await broker.model.close();
      expect(await receiver.end()).toBe(0);
    } finally {
      await receiver.end('SIGKILL');
      await rm(receiver.directory, { recursive: true });
    }
  });

  it('are held while memory is short, and arrive once it is not', async () => {
    const broker = await openBroker(node.port);
    await broker.createQueue();
    const sink = makeSink({ url: urlTo(node.port), queue: broker.queue });
    await sink.open();
    await node.control('set_vm_memory_high_watermark', 'absolute', '1');
    const first = sink.deliver([sinkEvent('m-1')], AbortSignal.timeout(2_000));
    expect(await first).toMatchObject([{ ok: false, retryable: true }]);
    await expect(sink.deliver([sinkEvent('m-1')], never())).rejects.toThrow(
      'not accepting messages: low on memory',
    );
    await node.control('set_vm_memory_high_watermark', '0.4');
    await eventually(
      () => sink.deliver([sinkEvent('m-1')], never()).catch(() => []),
      ([result]) => result?.ok === true,
    );
    await sink.close();
    await broker.dispose();
  });

  it('that the server finds too large are dead letters, and only those', async () => {
    const broker = await openBroker(node.port);
    await broker.createQueue();
    const sink = makeSink({ url: urlTo(node.port), queue: broker.queue });
    await sink.open();
    const large = sinkEvent('large', { properties: { text: 'x'.repeat(2_000_000) } });
    const batch = [sinkEvent('a'), large, sinkEvent('b')];
    expect(await sink.deliver(batch, never())).toMatchObject([
      { ok: true },
      { ok: false, retryable: false, message: expect.stringContaining('max_message_size') },
      { ok: true },
    ]);
    const ids = (await broker.take()).map(({ properties }) => String(properties.messageId));
    expect([...new Set(ids)]).toEqual(['a', 'b']);
    await sink.close();
    await broker.dispose();
  });

  it('wait where the user has no right to publish, which check says', async () => {
    const broker = await openBroker(node.port);
    await broker.createQueue();
    const sink = makeSink({ url: urlTo(node.port, 'reader:reader'), queue: broker.queue });
    const right = 'no right to publish to the default exchange';
    await expect(sink.check()).rejects.toThrow(right);
    await sink.open();
    const result = { ok: false, retryable: true, message: expect.stringContaining(right) };
    const batch = [sinkEvent('a'), sinkEvent('b')];
    expect(await sink.deliver(batch, never())).toMatchObject([result, result]);
    await sink.close();
    const declaring = makeSink({
      url: urlTo(node.port, 'reader:reader'),
      queue: 'another',
      declare: true,
    });
    await expect(declaring.open()).rejects.toThrow('no right to declare the queue "another"');
    await declaring.close();
    await broker.dispose();
  });

  it('arrive by the manual’s example as it stands, which check --connect finds in order', async () => {
    const page = await readFile(
      fileURLToPath(new URL('../../docs/sinks/rabbitmq.md', import.meta.url)),
      'utf8',
    );
    const here = page.replaceAll('127.0.0.1:5672', `127.0.0.1:${node.port}`);
    const example = sinkExample(here, 'rabbitmq-sink');
    await node.control('add_user', 'trackbridge', 'a-password');
    await node.control('set_permissions', 'trackbridge', '.*', '.*', '.*');
    const directory = await makeDirectory();
    const config = {
      server: { port: 0 },
      sources: SOURCES,
      sinks: { mq: { ...example, batch: { wait: '1ms' } } },
    };
    const env = { RABBITMQ_PASSWORD: 'a-password' };
    const receiver = await startReceiver({ directory, config, env });
    try {
      const args = ['check', '--config', 'trackbridge.json', '--connect'];
      const checked = await runCommand(args, { cwd: directory, env });
      expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining('can be reached') });
      await fetch(`${receiver.url}/in`, { method: 'POST', body: trackText('m-1') });
      const broker = await openBroker(node.port);
      const [message] = await eventually(
        () => broker.take(String(example['queue'])),
        ({ length }) => length > 0,
      );
      expect(message?.fields).toMatchObject({
        exchange: 'trackbridge',
        routingKey: 'events.track',
      });
      expect(message?.properties.messageId).toBe('m-1');
      await broker.dispose();
      expect(await receiver.end()).toBe(0);
      expect(receiver.stderr() + checked.stderr).not.toContain('a-password');
    } finally {
      await receiver.end('SIGKILL');
      await rm(directory, { recursive: true });
    }
  });
});

async function sendAll(receiver: Receiver, after: (sent: number) => Promise<void>): Promise<void> {
  for (let sent = 0; sent < EVENTS; ) {
    const batch = Array.from({ length: BATCH }, (_, index) => {
      const n = sent + index;
      return trackText(`m-${n}`, { userId: `u-${n % USERS}`, properties: { n } });
    });
    const answer = await fetch(`${receiver.url}/in`, { method: 'POST', body: `[${batch.join()}]` });
    expect(answer.status).toBe(200);
    sent += BATCH;
    await after(sent);
  }
}
