import type { JetStreamClient } from '@nats-io/jetstream';
import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import type { SinkOptions } from '../../config/config.js';
import { loadDriver } from '../../core/driver.js';
import { configInvalid } from '../../core/errors.js';
import { orderKeyOf } from '../../event/event.js';
import { indicesBy } from '../kit/in-order.js';
import { SharedConnection } from '../kit/shared-connection.js';
import { PROBE } from '../kit/template.js';
import {
  DELIVERED,
  type DeliveryResult,
  isTransient,
  resultOf,
  type Sink,
  type SinkContext,
  type SinkEvent,
  type SinkType,
} from '../sink.js';
import { NatsLink, natsName, natsOptions } from './connection.js';
import { NatsCore } from './core.js';
import { apiCodeOf, isStreamMissing, natsFailure } from './failure.js';
import { compileSubject, msgIdOf, subjectsOf } from './subject.js';

/** Options of a `nats` sink, as validated by its schema. */
export type NatsSinkOptions = SinkOptions['nats'];

/** The driver's packages. */
export interface NatsDriver {
  readonly transport: typeof import('@nats-io/transport-node');
  readonly jetstream: typeof import('@nats-io/jetstream');
}

const PACKAGES = '@nats-io/transport-node@~3.3.1 @nats-io/jetstream@~3.3.1';

/** Milliseconds for one acknowledgment. The sink's own timeout ends an attempt earlier, unless it is set higher. */
const ACK_TIMEOUT = 60_000;

/**
 * JetStream's error for a last sequence that the stream does not have. It is checked after everything else that could
 * reject an event.
 */
const WRONG_LAST_SEQUENCE = 10071;

/** The most bytes around the values of the headers: the version, names, and line ends. */
const HEADER_FRAME = 100;

export const natsSink: SinkType<'nats'> = {
  type: 'nats',
  async create(options, context) {
    const driver = await loadDriver(PACKAGES, loadNats, context.name);
    return createNatsSink(options, driver, context);
  },
};

async function loadNats(): Promise<NatsDriver> {
  const [transport, jetstream] = await Promise.all([
    import('@nats-io/transport-node'),
    import('@nats-io/jetstream'),
  ]);
  return { transport, jetstream };
}

/**
 * Creates a sink that publishes events with their deduplication key as `Nats-Msg-Id`. Throws CONFIG_INVALID for invalid
 * servers, subject or credentials, and for options that contradict each other.
 */
export function createNatsSink(
  options: NatsSinkOptions,
  driver: NatsDriver,
  context: Pick<SinkContext, 'format'>,
): Sink {
  const { stream, subject } = options;
  if (options.createStream && stream === undefined)
    throw configInvalid('createStream: requires stream');
  if (!options.jetstream && stream !== undefined)
    throw configInvalid('stream: requires jetstream: true');
  const subjectOf = compileSubject(subject);
  const connectionOptions = natsOptions(options, driver.transport);
  const expect = stream === undefined ? {} : { streamName: stream };
  const contentType =
    context.format === 'cloudevents' ? 'application/cloudevents+json' : 'application/json';
  const who = natsName(connectionOptions);
  const prepare = async (connection: NatsConnection): Promise<void> => {
    if (!options.jetstream) cores.set(connection, new NatsCore(connection));
    if (options.createStream) await createStream(connection);
  };
  const links = new SharedConnection(
    () => new NatsLink(connectionOptions, driver.transport, prepare),
  );
  const cores = new WeakMap<NatsConnection, NatsCore>();
  const forbidden: DeliveryResult = {
    ok: false,
    message: `${who} denied permission: check the permissions of the user`,
    retryable: true,
  };

  /** Leaves an existing stream unchanged: it may belong to somebody else or have other options. */
  async function createStream(connection: NatsConnection): Promise<void> {
    const manager = await driver.jetstream.jetstreamManager(connection, { checkAPI: false });
    const name = String(stream);
    try {
      await manager.streams.info(name);
    } catch (error) {
      if (!isStreamMissing(error)) throw error;
      await manager.streams.add({
        name,
        subjects: [subjectsOf(subject)],
        duplicate_window: options.dedupeWindow * 1_000_000,
      });
    }
  }

  function headersOf({ dedupeKey, trace }: SinkEvent): MsgHdrs {
    const headers = driver.transport.headers();
    headers.set('Nats-Msg-Id', msgIdOf(dedupeKey));
    headers.set('Content-Type', contentType);
    for (const [name, value] of Object.entries(trace ?? {})) headers.set(name, value);
    return headers;
  }

  /** Undefined if the event is within the server's limit; beyond it the server closes the connection. */
  function tooLarge(event: SinkEvent, connection: NatsConnection): DeliveryResult | undefined {
    const limit = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    const traced = Object.entries(event.trace ?? {})
      .flat()
      .join('').length;
    const ids = msgIdOf(event.dedupeKey).length + traced;
    const bytes = Buffer.byteLength(event.json) + ids + HEADER_FRAME;
    if (bytes <= limit) return undefined;
    const message = `over the max_payload of ${who}, ${limit.toLocaleString('en-US')} bytes`;
    return { ok: false, message, retryable: false };
  }

  async function store(jetstream: JetStreamClient, event: SinkEvent): Promise<DeliveryResult> {
    try {
      const headers = headersOf(event);
      const at = subjectOf(event.event);
      await jetstream.publish(at, event.json, { expect, headers, timeout: ACK_TIMEOUT });
      return DELIVERED;
    } catch (error) {
      return resultOf(natsFailure(who, error));
    }
  }

  /**
   * Publishes events of different users concurrently, and those of one user one after the other. If two were under way,
   * the stream could reject the first, for example while it elects a leader, and store the second.
   */
  async function storeAll(connection: NatsConnection, batch: readonly SinkEvent[]) {
    const jetstream = driver.jetstream.jetstream(connection);
    const results: DeliveryResult[] = new Array(batch.length);
    const users = [...indicesBy(batch, ({ event }) => orderKeyOf(event)).values()].map(
      async (indices) => {
        let stopped: DeliveryResult | undefined;
        for (const index of indices) {
          const event = batch[index] as SinkEvent;
          const result = stopped ?? tooLarge(event, connection) ?? (await store(jetstream, event));
          results[index] = result;
          if (isTransient(result)) stopped = result;
        }
      },
    );
    await Promise.all(users);
    return results;
  }

  /** Resolves when the server has read all of it. Core NATS stores nothing: only current subscribers receive it. */
  async function send(connection: NatsConnection, batch: readonly SinkEvent[]) {
    const core = cores.get(connection) ?? new NatsCore(connection);
    const sent = batch.map((event) => {
      const subject = subjectOf(event.event);
      return { event, subject, refused: core.refused(subject) };
    });
    try {
      const large = sent.map(({ event, subject }) => {
        const result = tooLarge(event, connection);
        if (result !== undefined) return result;
        connection.publish(subject, event.json, { headers: headersOf(event) });
        return undefined;
      });
      await core.flush();
      return sent.map(({ subject, refused }, index): DeliveryResult => {
        if (core.refused(subject) !== refused) return forbidden;
        return large[index] ?? DELIVERED;
      });
    } catch (error) {
      throw natsFailure(who, error);
    }
  }

  /** Publishes a message that no stream accepts, since it expects more events than can exist. */
  async function probe(connection: NatsConnection): Promise<void> {
    const impossible = { ...expect, lastSequence: Number.MAX_SAFE_INTEGER };
    const to = { expect: impossible, timeout: ACK_TIMEOUT };
    await driver.jetstream.jetstream(connection).publish(subjectOf(PROBE), '', to);
  }

  return {
    async open() {
      await links.use((link) => link.ready());
    },

    deliver: (batch, signal) =>
      // An error that the server answers leaves the connection intact; a connection that ended reports that itself.
      links.use(async (link) => {
        const connection = await link.ready();
        return await (options.jetstream ? storeAll : send)(connection, batch);
      }, signal),

    async check() {
      // A connection of its own, which creates nothing.
      const looking = new NatsLink(connectionOptions, driver.transport, async () => {});
      const connection = await looking.ready();
      try {
        if (!options.jetstream) return await new NatsCore(connection).flush();
        const manager = await driver.jetstream.jetstreamManager(connection, { checkAPI: false });
        if (options.createStream) {
          const there = await manager.streams.info(String(stream)).catch(unlessMissing);
          if (there === undefined) return;
        }
        await probe(connection).catch(unlessExpected);
      } catch (error) {
        throw natsFailure(who, error);
      } finally {
        await connection.close();
      }
    },

    close: () => links.close(),
  };
}

function unlessMissing(error: unknown): undefined {
  if (!isStreamMissing(error)) throw error;
}

function unlessExpected(error: unknown): void {
  if (apiCodeOf(error) !== WRONG_LAST_SEQUENCE) throw error;
}
