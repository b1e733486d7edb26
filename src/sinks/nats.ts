import type { JetStreamClient } from '@nats-io/jetstream';
import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import { TrackbridgeError } from '../errors.js';
import { orderKeyOf } from '../event/event.js';
import { loadDriver } from './driver.js';
import { orInterrupted } from './interrupt.js';
import { NatsLink, type NatsPlace, natsOptions } from './nats-connection.js';
import { NatsCore } from './nats-core.js';
import { apiCodeOf, isStreamMissing, natsFailure } from './nats-failure.js';
import { compileSubject, msgIdOf, subjectsOf } from './nats-subject.js';
import {
  DELIVERED,
  type DeliveryResult,
  resultOf,
  type Sink,
  type SinkContext,
  type SinkEvent,
  type SinkType,
} from './sink.js';
import { PROBE } from './template.js';

/** Options of a `nats` sink, as its schema lets them through. */
export interface NatsSinkOptions extends NatsPlace {
  /** May hold `{type}`, `{event}`, `{userId}` and `{source}`. */
  readonly subject: string;
  /** Core NATS where false. */
  readonly jetstream: boolean;
  /** The only stream that may take the events; any that has the subject where absent. */
  readonly stream?: string;
  readonly createStream: boolean;
  /** Milliseconds that a created stream remembers ids for. */
  readonly dedupeWindow: number;
}

/** The driver's packages. */
export interface NatsDriver {
  readonly transport: typeof import('@nats-io/transport-node');
  readonly jetstream: typeof import('@nats-io/jetstream');
}

const PACKAGES = '@nats-io/transport-node@~3.3.1 @nats-io/jetstream@~3.3.1';

/** Milliseconds for one acknowledgement. The sink's own timeout ends an attempt before, unless it is set higher. */
const ACK_TIMEOUT = 60_000;

/** What JetStream answers to a last sequence that the stream does not have, after all that could refuse an event. */
const WRONG_LAST_SEQUENCE = 10071;

/** Bytes around the values of the headers, at most: the version, names, and line ends. */
const HEADER_FRAME = 100;

export const natsSink: SinkType = {
  type: 'nats',
  async create(options, context) {
    const driver = await loadDriver(PACKAGES, loadNats, context.name);
    // The shape is what schemas/sinks/nats.schema.json let through.
    return createNatsSink(options as unknown as NatsSinkOptions, driver, context);
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
 * A sink that publishes events with their messageId as `Nats-Msg-Id`. Throws CONFIG_INVALID for servers, a subject or
 * credentials that cannot be, and options that contradict each other.
 */
export function createNatsSink(
  options: NatsSinkOptions,
  driver: NatsDriver,
  context: Pick<SinkContext, 'format'>,
): Sink {
  const { stream, subject } = options;
  if (options.createStream && stream === undefined) throw invalid('createStream: needs stream');
  if (!options.jetstream && stream !== undefined) throw invalid('stream: needs jetstream: true');
  const subjectOf = compileSubject(subject);
  const connectionOptions = natsOptions(options, driver.transport);
  const expect = stream === undefined ? {} : { streamName: stream };
  const contentType =
    context.format === 'cloudevents' ? 'application/cloudevents+json' : 'application/json';
  const link = new NatsLink(connectionOptions, driver.transport, async (connection) => {
    if (!options.jetstream) cores.set(connection, new NatsCore(connection));
    if (options.createStream) await createStream(connection);
  });
  const cores = new WeakMap<NatsConnection, NatsCore>();
  const forbidden: DeliveryResult = {
    ok: false,
    retryable: true,
    error: `${link.who} refused for lack of a right: check its permissions`,
  };

  /** Leaves a stream as it is that is there: it may be somebody else's, or have grown other options. */
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

  function headersOf({ messageId }: SinkEvent): MsgHdrs {
    const headers = driver.transport.headers();
    headers.set('Nats-Msg-Id', msgIdOf(messageId));
    headers.set('Content-Type', contentType);
    return headers;
  }

  /** Undefined where the server's limit lets the event through: beyond it the server cuts the connection. */
  function tooLarge(event: SinkEvent, connection: NatsConnection): DeliveryResult | undefined {
    const limit = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    const bytes = Buffer.byteLength(event.json) + msgIdOf(event.messageId).length + HEADER_FRAME;
    if (bytes <= limit) return undefined;
    const error = `over the max_payload of ${link.who}, ${limit.toLocaleString('en-US')} bytes`;
    return { ok: false, retryable: false, error };
  }

  async function store(jetstream: JetStreamClient, event: SinkEvent): Promise<DeliveryResult> {
    try {
      const headers = headersOf(event);
      const at = subjectOf(event.event);
      await jetstream.publish(at, event.json, { expect, headers, timeout: ACK_TIMEOUT });
      return DELIVERED;
    } catch (error) {
      return resultOf(natsFailure(link.who, error));
    }
  }

  /**
   * Publishes events of different users together, and of one user one after the other: of two that are under way the stream
   * can refuse the first, while it elects a leader say, and store the second.
   */
  async function storeAll(connection: NatsConnection, batch: readonly SinkEvent[]) {
    const jetstream = driver.jetstream.jetstream(connection);
    const results: DeliveryResult[] = new Array(batch.length);
    const users = [...byUser(batch).values()].map(async (indices) => {
      let stopped: DeliveryResult | undefined;
      for (const index of indices) {
        const event = batch[index] as SinkEvent;
        const result = stopped ?? tooLarge(event, connection) ?? (await store(jetstream, event));
        results[index] = result;
        if (!result.ok && result.retryable) stopped = result;
      }
    });
    await Promise.all(users);
    return results;
  }

  /** Resolves when the server has read all of it. It keeps nothing: who subscribes just then gets it. */
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
      throw natsFailure(link.who, error);
    }
  }

  /** Ends the connection with the attempt: what is under way on one that hangs would never end, nor would the next. */
  async function attempt<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const drop = (): void => void link.drop();
    if (!signal.aborted) signal.addEventListener('abort', drop, { once: true });
    try {
      return await orInterrupted(work, signal);
    } finally {
      signal.removeEventListener('abort', drop);
    }
  }

  /** Publishes what no stream can take, since it expects more events than there can be. */
  async function probe(connection: NatsConnection): Promise<void> {
    const impossible = { ...expect, lastSequence: Number.MAX_SAFE_INTEGER };
    const to = { expect: impossible, timeout: ACK_TIMEOUT };
    await driver.jetstream.jetstream(connection).publish(subjectOf(PROBE), '', to);
  }

  return {
    async open() {
      await link.ready();
    },

    deliver: (batch, signal) =>
      attempt(async () => {
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
        throw natsFailure(link.who, error);
      } finally {
        await connection.close();
      }
    },

    async close() {
      await link.drop();
    },
  };
}

/** The places of each user's events in the batch, in order; an event of nobody is alone. */
function byUser(batch: readonly SinkEvent[]): ReadonlyMap<string, readonly number[]> {
  const users = new Map<string, number[]>();
  batch.forEach(({ event }, index) => {
    const user = orderKeyOf(event);
    const indices = users.get(user);
    if (indices === undefined) users.set(user, [index]);
    else indices.push(index);
  });
  return users;
}

function unlessMissing(error: unknown): undefined {
  if (!isStreamMissing(error)) throw error;
}

function unlessExpected(error: unknown): void {
  if (apiCodeOf(error) !== WRONG_LAST_SEQUENCE) throw error;
}

function invalid(problem: string): TrackbridgeError {
  return new TrackbridgeError('CONFIG_INVALID', problem);
}
