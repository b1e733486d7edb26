import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clickHouse, PASSWORD } from '../sinks/clickhouse/server.js';
import { ownNats } from '../sinks/nats/server.js';
import { openDatabase, PORT as POSTGRES, urlTo as postgresAt } from '../sinks/postgres/setup.js';
import {
  openBroker,
  parsed,
  PORT as RABBITMQ,
  urlTo as rabbitmqAt,
} from '../sinks/rabbitmq/setup.js';
import { redisPlayground } from '../sinks/redis/setup.js';
import { BUCKET, KEYS, s3Store } from '../sinks/s3/store.js';
import { deliverMany } from '../support/deliver-many.js';
import { hasKcat, startMockKafka } from '../support/kafka.js';
import { listenTo, startMosquitto } from '../support/mosquitto.js';
import { eventually, type Receiver, readEvents, startReceiver } from '../support/receiver.js';
import { type Relay, startRelay } from '../support/relay.js';
import { requireServer } from '../support/servers.js';

const REDIS = 6379;
const EVENTS = 2_000;
const there =
  (await requireServer('PostgreSQL', POSTGRES)) &&
  (await requireServer('Redis', REDIS)) &&
  (await requireServer('RabbitMQ', RABBITMQ)) &&
  (await requireServer('NATS', 4222)) &&
  (await requireServer('Mosquitto', 1883)) &&
  hasKcat();

/** A system that one sink writes to. */
interface Far {
  /** The sink's configuration. */
  readonly sink: object;
  /** What has arrived, each user's events in the order in which they are there. */
  events(): Promise<readonly Arrived[]>;
  /** Where it can be made unreachable. */
  readonly relay?: Relay;
  dispose(): Promise<void>;
}

interface Arrived {
  readonly userId: string;
  readonly messageId: string;
}

const SYSTEMS: Readonly<Record<string, () => Promise<Far>>> = {
  async postgres() {
    const database = await openDatabase();
    const relay = await startRelay(POSTGRES);
    return {
      sink: {
        type: 'postgres',
        url: postgresAt(relay.port),
        schema: database.schema,
        create: true,
      },
      relay,
      async events() {
        const made = await database.query("SELECT to_regclass('events') IS NOT NULL AS made");
        if (made[0]?.['made'] !== true) return [];
        // Rows have no order of arrival of their own.
        const order = "ORDER BY (payload->'properties'->>'number')::int";
        const rows = await database.query<{ payload: Arrived }>(
          `SELECT payload FROM events ${order}`,
        );
        return rows.map(({ payload }) => payload);
      },
      async dispose() {
        await relay.close();
        await database.dispose();
      },
    };
  },
  async redis() {
    const place = redisPlayground();
    const relay = await startRelay(REDIS);
    return {
      sink: { type: 'redis', url: `redis://127.0.0.1:${relay.port}`, stream: place.prefix },
      relay,
      events: async () =>
        (await place.entries(place.prefix)).map(({ json }) => JSON.parse(String(json))),
      async dispose() {
        await relay.close();
        await place.dispose();
      },
    };
  },
  async rabbitmq() {
    const broker = await openBroker();
    await broker.createQueue();
    const relay = await startRelay(RABBITMQ);
    const seen: Arrived[] = [];
    return {
      sink: { type: 'rabbitmq', url: rabbitmqAt(relay.port), queue: broker.queue },
      relay,
      async events() {
        seen.push(...(parsed(await broker.take()) as Arrived[]));
        return seen;
      },
      async dispose() {
        await relay.close();
        await broker.dispose();
      },
    };
  },
  async s3() {
    const store = await s3Store();
    const endpoint = `http://127.0.0.1:${store.port}`;
    return {
      sink: { type: 's3', endpoint, bucket: BUCKET, ...KEYS, close: { size: '1mb', age: '200ms' } },
      events: async () => (await store.events()) as Arrived[],
      dispose: () => store.close(),
    };
  },
  async kafka() {
    const mock = await startMockKafka();
    return {
      sink: { type: 'kafka', brokers: [mock.broker], topic: 'events', createTopics: true },
      events: async () => (await mock.read('events')).map(({ value }) => JSON.parse(value)),
      dispose: () => mock.stop(),
    };
  },
  async clickhouse() {
    const server = await clickHouse();
    const url = `http://127.0.0.1:${server.port}`;
    return {
      sink: { type: 'clickhouse', url, password: PASSWORD, create: true, batch: { wait: '50ms' } },
      async events() {
        const rows = server.tables.get('default.events')?.rows ?? [];
        return rows.map((row) => JSON.parse(String(row['payload'])));
      },
      dispose: () => server.stop(),
    };
  },
  async nats() {
    const server = await ownNats();
    const stream = 'EVENTS';
    return {
      sink: { type: 'nats', servers: server.url, subject: 'events', stream, createStream: true },
      async events() {
        const connection = await connect({ servers: server.url });
        try {
          const manager = await jetstreamManager(connection);
          // The stream is made when the sink first connects.
          const { state } = await manager.streams.info(stream).catch(() => ({ state: undefined }));
          if (!state?.messages) return [];
          const consumer = await manager.jetstream().consumers.get(stream);
          const arrived: Arrived[] = [];
          for await (const message of await consumer.fetch({ max_messages: state.messages })) {
            arrived.push(message.json<Arrived>());
          }
          return arrived;
        } finally {
          await connection.close();
        }
      },
      dispose: () => server.dispose(),
    };
  },
  async mqtt() {
    const broker = await startMosquitto();
    const listener = await listenTo(broker.port, 'events');
    return {
      sink: { type: 'mqtt', url: `mqtt://127.0.0.1:${broker.port}`, topic: 'events/{type}' },
      events: async () => (await listener.received()).map(({ text }) => JSON.parse(text)),
      async dispose() {
        await listener.close();
        await broker.dispose();
      },
    };
  },
};

describe.runIf(there)('all sinks of one receiver', { timeout: 300_000 }, () => {
  const fars = new Map<string, Far>();
  let receiver: Receiver;
  beforeAll(async () => {
    for (const [name, start] of Object.entries(SYSTEMS)) fars.set(name, await start());
    const retry = { initial: '20ms', max: '200ms' };
    const sinks = [...fars].map(([name, { sink }]) => [name, { ...sink, retry }]);
    receiver = await startReceiver({
      config: {
        server: { port: 0 },
        admin: { port: 0 },
        sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
        sinks: { file: { type: 'file', path: './events.ndjson' }, ...Object.fromEntries(sinks) },
      },
    });
  });
  afterAll(async () => {
    await receiver?.end('SIGKILL');
    if (receiver) await rm(receiver.directory, { recursive: true, force: true });
    for (const far of fars.values()) await far.dispose();
  });

  it('get every event though one of them is dead, and that one does when it is back', async () => {
    const dead = fars.get('rabbitmq');
    dead?.relay?.cut();
    const sent = await deliverMany(`${receiver.url}/in`, EVENTS);
    const users = (events: readonly Arrived[]): ReadonlyMap<string, string[]> => {
      const ids = new Map<string, string[]>();
      for (const { userId, messageId } of events) {
        const own = ids.get(userId) ?? [];
        // At least once: a second arrival changes nothing about the order of the first.
        if (!own.includes(messageId)) own.push(messageId);
        ids.set(userId, own);
      }
      return ids;
    };
    const whole = (far: Far): Promise<readonly Arrived[]> =>
      eventually(
        () => far.events(),
        (events) => new Set(events.map(({ messageId }) => messageId)).size === EVENTS,
      );

    for (const [name, far] of fars) {
      if (far !== dead) expect(users(await whole(far)), name).toEqual(sent);
    }
    expect(await readEvents(join(receiver.directory, 'events.ndjson'))).toHaveLength(EVENTS);
    expect(await dead?.events()).toEqual([]);
    const metrics = await (await fetch(`${receiver.adminUrl}/metrics`)).text();
    expect(metrics).toContain(`trackbridge_sink_pending_events{sink="rabbitmq"} ${EVENTS}`);

    dead?.relay?.mend();
    if (dead) expect(users(await whole(dead))).toEqual(sent);
    expect(await receiver.end()).toBe(0);
  });
});
