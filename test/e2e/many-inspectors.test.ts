import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeliveryRecord } from '../../src/workbench/inspect/record.js';
import { openRecordingSink, type RecordingSink } from '../faults/recording-sink.js';
import { type Cluster, startCluster } from '../support/postgres-cluster.js';
import {
  eventually,
  makeDirectory,
  type Receiver,
  startCommand,
  startReceiver,
  wholeLines,
} from '../support/receiver.js';
import { sign, trackText } from '../support/sender.js';
import { requireServer } from '../support/servers.js';

const SECRET = 'a-secret-of-the-source-1234';

describe.runIf(await requireServer('PostgreSQL', 5432))('two receivers and a dispatcher', () => {
  let cluster: Cluster;
  let sink: RecordingSink;
  let directory: string;
  const receivers: Receiver[] = [];

  const configOf = (member: string, schema: string, record: boolean): object => ({
    server: { port: 0 },
    admin: { port: 0, redact: ['properties.card'], ...(record && { record: {} }) },
    outbox: {
      type: 'postgres',
      url: `postgresql://postgres@127.0.0.1:${cluster.port}/postgres`,
      schema,
      partitions: 8,
      member,
    },
    sources: {
      in: {
        type: 'segment',
        path: '/in',
        verify: { scheme: 'segment-signature', secrets: [SECRET] },
      },
    },
    sinks: { hook: { ...sink.options, body: 'array' } },
  });

  const start = async (
    member: string,
    role: string,
    schema: string,
    record = true,
  ): Promise<Receiver> => {
    const config = configOf(member, schema, record);
    const receiver = await startReceiver({
      directory: await makeDirectory(),
      args: ['--role', role],
      config,
    });
    receivers.push(receiver);
    return receiver;
  };

  const deliver = (receiver: Receiver, id: string, signature?: string): Promise<Response> => {
    const body = trackText(id, { userId: 'u-1', properties: { card: '4111' } });
    const headers = {
      'content-type': 'application/json',
      'x-signature': signature ?? sign(body, SECRET),
    };
    return fetch(`${receiver.url}/in`, { method: 'POST', headers, body });
  };

  const shown = async (receiver: Receiver): Promise<readonly DeliveryRecord[]> =>
    (await fetch(`${receiver.adminUrl}/api/deliveries`)).json() as Promise<DeliveryRecord[]>;

  beforeAll(async () => {
    [cluster, sink, directory] = await Promise.all([
      startCluster(),
      openRecordingSink(),
      makeDirectory(),
    ]);
  });
  afterAll(async () => {
    for (const receiver of receivers) {
      await receiver.end('SIGKILL');
      await rm(receiver.directory, { recursive: true, force: true });
    }
    await rm(directory, { recursive: true, force: true });
    await sink?.close();
    await cluster?.dispose();
  });

  it('show each delivery and each attempt at every member, masked', async () => {
    const first = await start('first', 'receive', 'recorded');
    const second = await start('second', 'receive', 'recorded');
    const third = await start('third', 'dispatch', 'recorded');
    const members = [first, second, third];
    // Whether a member has heard that the others record takes a moment, so they are asked until it is so.
    const everywhere = async (receiver: Receiver, id: string, signature?: string) => {
      const answer = await deliver(receiver, id, signature);
      const deliveryId = String(answer.headers.get('x-request-id'));
      for (const member of members) {
        await eventually(
          () => shown(member),
          (all) => all.some((delivery) => delivery.id === deliveryId),
        );
      }
      return deliveryId;
    };
    await everywhere(first, 'warm-1');
    const id = await everywhere(second, 'm-1');
    for (const member of members) {
      const record = await eventually(
        async (): Promise<DeliveryRecord> =>
          (
            await fetch(`${member.adminUrl}/api/deliveries/${id}`)
          ).json() as Promise<DeliveryRecord>,
        ({ sinks }) => sinks.every(({ delivered }) => delivered === 1),
      );
      expect(record).toMatchObject({
        member: 'second',
        status: 200,
        verified: true,
        accepted: 1,
        first: { type: 'track', user: 'u-1', messageId: 'm-1' },
        signed: { part: 'body' },
        request: { bodyRedacted: true },
        events: [{ outcome: 'accepted', decoded: { properties: { card: '[redacted]' } } }],
        attempts: [{ sink: 'hook', member: 'third', outcome: 'delivered' }],
      });
      const body = await (await fetch(`${member.adminUrl}/api/deliveries/${id}/body`)).text();
      expect(body).toContain('m-1');
      expect(body).not.toContain('4111');
    }
    // What is hidden here is only known where it arrived.
    const explain = (receiver: Receiver, deliveryId: string): Promise<Response> =>
      fetch(`${receiver.adminUrl}/api/deliveries/${deliveryId}/explain`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
    expect((await explain(second, id)).status).toBe(200);
    const refused = await explain(third, id);
    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({
      detail: expect.stringContaining('second received this delivery'),
    });
    // A member that joins later finds what the store has.
    const late = await start('late', 'receive', 'recorded');
    const found = await eventually(
      () => shown(late),
      (all) => all.length >= 2,
    );
    expect(found.map(({ member }) => member)).toEqual(expect.arrayContaining(['first', 'second']));
  });

  it('follow the deliveries of all with tail, without admin.record', async () => {
    const first = await start('first', 'receive', 'followed', false);
    const second = await start('second', 'receive', 'followed', false);
    const third = await start('third', 'dispatch', 'followed', false);
    const tail = startCommand(['tail', '--admin', third.adminUrl, '--json', '--count', '2']);
    await eventually(
      async () => {
        await deliver(second, 'a');
        return tail.stdout();
      },
      (text) => text !== '',
    );
    await deliver(first, 'b', 'not-a-signature');
    expect(await tail.ended).toBe(0);
    const lines = wholeLines(tail.stdout()).map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ member: 'second', outcome: 'accepted' });
    expect(await shown(first)).toEqual([]);
  });
});
