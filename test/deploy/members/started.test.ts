import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { openRecordingSink, type RecordingSink } from '../../faults/recording-sink.js';
import { type Cluster, startCluster } from '../../support/postgres-cluster.js';
import { eventually, type Receiver, startReceiver } from '../../support/receiver.js';
import { deliverSegment, trackText } from '../../support/sender.js';
import { environmentOf, members, readText } from './compose.js';
import { configuration, ofKind, secrets } from './kubernetes.js';

/** A process as a file of `deploy` starts it. */
interface Process {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether the file’s own checks hold of a running one. */
  isHealthy(receiver: Receiver): Promise<boolean>;
}

const ofCompose: readonly Process[] = members.map(([, service]) => ({
  command: service.command ?? [],
  env: environmentOf(service),
  async isHealthy({ adminUrl, url }) {
    const [, program = '', ...args] = (service.healthcheck?.test ?? []).map((word) =>
      word.replace('http://127.0.0.1:8080', url).replace('http://127.0.0.1:8081', adminUrl),
    );
    return spawnSync(program, args).status === 0;
  },
}));

const ofKubernetes: readonly Process[] = ofKind('Deployment').map(({ spec }) => {
  const [container] = spec?.template.spec?.containers ?? [];
  return {
    command: container?.args ?? [],
    env: secrets,
    async isHealthy({ adminUrl, url }) {
      const probes = [container?.startupProbe, container?.livenessProbe, container?.readinessProbe];
      const answers = probes.map(async (probe) => {
        const { path = '', port } = probe?.httpGet ?? {};
        const { status } = await fetch((port === 'events' ? url : adminUrl) + path);
        return status === 200;
      });
      return (await Promise.all(answers)).every(Boolean);
    },
  };
});

describe.each([
  ['the compose file', readText('deploy/compose/trackbridge.yaml'), ofCompose],
  ['the manifests for Kubernetes', configuration, ofKubernetes],
])('the members of %s', (_, text, processes) => {
  let cluster: Cluster;
  let sink: RecordingSink;
  const started: Receiver[] = [];
  beforeAll(async () => {
    cluster = await startCluster();
    sink = await openRecordingSink();
  });
  afterAll(async () => {
    for (const receiver of started) await receiver.end('SIGKILL');
    await sink?.close();
    await cluster?.dispose();
  });

  /** Starts one as it stands, but for ports, the database, and a destination on this machine. */
  const start = ({ command, env }: Process): Promise<Receiver> => {
    const config = parse(text);
    config.server.port = 0;
    config.admin.port = 0;
    config.sinks.destination.allowPrivateAddresses = true;
    const at = command.indexOf('--config');
    return startReceiver({
      config,
      args: [...command.slice(1, at), ...command.slice(at + 2)],
      env: {
        ...env,
        DATABASE_URL: `postgresql://postgres@127.0.0.1:${cluster.port}/postgres`,
        DESTINATION_URL: sink.url,
      },
    });
  };

  it('start, are healthy, deliver what a receiver accepts, and stop on SIGTERM', async () => {
    for (const process of processes) {
      const receiver = await start(process);
      started.push(receiver);
      await eventually(() => process.isHealthy(receiver), Boolean);
    }
    const receivers = started.filter((_, at) => processes[at]?.command.at(-1) === 'receive');
    expect(receivers.length).toBeGreaterThan(0);
    for (const [at, { url }] of receivers.entries()) {
      const secret = processes[0]?.env['SEGMENT_SHARED_SECRET'] ?? '';
      const answer = await deliverSegment(`${url}/segment`, trackText(`m-${at}`), secret);
      expect(answer.status).toBe(200);
    }
    await eventually(
      () => sink.taken.length,
      (count) => count === receivers.length,
    );
    expect(await Promise.all(started.map((each) => each.end('SIGTERM')))).toEqual(
      started.map(() => 0),
    );
  });
});
