import { execFile, spawn, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { type KafkaRelay, kafkaRelay } from './kafka-relay.js';

const run = promisify(execFile);

/** A message as `kcat` reads it. */
interface KafkaRecord {
  readonly key: string;
  readonly headers: string;
  readonly value: string;
}

/** librdkafka's mock broker, behind a relay that can cut, stall and refuse. */
export interface MockKafka {
  readonly relay: KafkaRelay;
  /** host:port to configure, which is the relay's. */
  readonly broker: string;
  /** The broker's own. */
  readonly direct: string;
  /** What is in the topic, read by `kcat`: by partition, in order within each. */
  read(topic: string): Promise<readonly KafkaRecord[]>;
  stop(): Promise<void>;
}

/** Whether `kcat` is there. Without it a run of CI fails, and any other says so and leaves the tests out. */
export function hasKcat(): boolean {
  const found = spawnSync('kcat', ['-V']).error === undefined;
  if (found) return true;
  const missing = 'kcat is not installed, which brings the mock Kafka: apt-get install kcat';
  if (process.env['CI']) throw new Error(missing);
  // biome-ignore lint/suspicious/noConsole: who runs the tests should see what was left out.
  console.warn(`skipped: ${missing}`);
  return false;
}

export async function startMockKafka(): Promise<MockKafka> {
  const args = ['-C', '-b', 'x:1', '-t', 'idle', '-X', 'test.mock.num.brokers=1', '-d', 'mock'];
  const child = spawn('kcat', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const port = await new Promise<number>((resolve, reject) => {
    let said = '';
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`kcat ended: ${said}`)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (said.length > 10_000) return;
      said += text;
      const [, found] = /bootstrap\.servers=127\.0\.0\.1:(\d+)/.exec(said) ?? [];
      if (found !== undefined) resolve(Number(found));
    });
  });
  const relay = await kafkaRelay(port);
  return {
    relay,
    broker: `127.0.0.1:${relay.port}`,
    direct: `127.0.0.1:${port}`,
    async read(topic) {
      const from = ['-C', '-b', `127.0.0.1:${port}`, '-t', topic, '-o', 'beginning', '-e', '-q'];
      // By default a fetch waits half a second for more.
      const quick = ['-X', 'fetch.wait.max.ms=10', '-X', 'check.crcs=true'];
      const { stdout } = await run('kcat', [...from, ...quick, '-f', '%k\\x1f%h\\x1f%s\\n'], {
        maxBuffer: 2 ** 28,
      });
      const lines = stdout.split('\n').filter((line) => line !== '');
      return lines.map((line) => {
        const [key = '', headers = '', value = ''] = line.split('\u001f');
        return { key, headers, value };
      });
    },
    async stop() {
      await relay.close();
      if (child.exitCode !== null) return;
      const exit = new Promise((resolve) => child.once('close', resolve));
      child.kill();
      await exit;
    },
  };
}
