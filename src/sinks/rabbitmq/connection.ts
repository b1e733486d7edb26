import type * as Amqplib from 'amqplib';
import type { Clock } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { SinkError } from '../sink.js';
import { openPublishChannel, type PublishChannel } from './channel.js';

// The total time for the TCP connection, TLS, AMQP's handshake and declarations.
const LONGEST_OPENING = 10_000;
const LONGEST_CLOSING = 1_000;
const LONGEST_REASON = 200;

export interface Server {
  readonly driver: Pick<typeof Amqplib, 'connect'>;
  /** Where to connect to, with credentials. */
  readonly target: Amqplib.Options.Connect;
  readonly tls: Pick<Amqplib.SocketOptions, 'ca' | 'cert' | 'key' | 'servername'>;
  /** The same for messages: host and port. */
  readonly address: string;
  /** The sink's name, shown by `rabbitmqctl list_connections client_properties`. */
  readonly name: string;
  readonly clock: Clock;
}

/** One connection to RabbitMQ. It never reconnects; open another instead. */
export interface RabbitConnection {
  readonly model: Amqplib.ChannelModel;
  readonly isOpen: boolean;
  /** Why RabbitMQ accepts nothing at the moment (memory or disk are low); undefined if it does. */
  readonly blocked: string | undefined;
  /** What ended it, as a transient failure. */
  lost(): SinkError;
  /** Resolves to a confirm channel for exclusive use until it is returned. Rejects with `lost`. */
  take(): Promise<PublishChannel>;
  giveBack(channel: PublishChannel): void;
  /** Closes it in order, and ends within a second even without an answer. */
  close(): Promise<void>;
}

/**
 * Connects, and runs `prepare` before anything else. `life` ends the connection at any time. Rejects with a retryable
 * SinkError: the server's operator can restart it or grant the missing right.
 */
export async function openConnection(
  server: Server,
  life: AbortController,
  prepare: (model: Amqplib.ChannelModel) => Promise<void>,
): Promise<RabbitConnection> {
  const { driver, target, tls, clock, address } = server;
  const opened = new AbortController();
  void clock.sleep(LONGEST_OPENING, opened.signal).then(() => {
    if (!opened.signal.aborted) life.abort(new Error(`no answer within ${LONGEST_OPENING} ms`));
  });
  try {
    const model = await driver.connect(target, {
      ...tls,
      noDelay: true,
      // Passed to the socket: amqplib has no other way to end a connection to a server that does not answer.
      signal: life.signal,
      clientProperties: { product: 'Trackbridge', connection_name: `trackbridge ${server.name}` },
    } as Amqplib.SocketOptions);
    const connection = connectionOf(model, server, life);
    await prepare(model);
    return connection;
  } catch (error) {
    const failure = life.signal.aborted ? unreachable(address, life.signal.reason) : error;
    life.abort();
    throw failure instanceof SinkError ? failure : unreachable(address, failure);
  } finally {
    opened.abort();
  }
}

function connectionOf(
  model: Amqplib.ChannelModel,
  { address, clock }: Server,
  life: AbortController,
): RabbitConnection {
  const idle: PublishChannel[] = [];
  let isOpen = true;
  let blocked: string | undefined;
  let reason: unknown;
  model.on('error', (error) => {
    reason = error;
  });
  model.on('blocked', (why) => {
    blocked = String(why);
  });
  model.on('unblocked', () => {
    blocked = undefined;
  });
  const lost = (): SinkError => {
    const why = reason === undefined ? 'it was closed' : wordsOf(reason);
    const text = `the connection to RabbitMQ at ${address} was lost: ${why}`;
    return new SinkError(text, { retryable: true });
  };
  const over = new AbortController();
  model.on('close', (error) => {
    isOpen = false;
    reason ??= error;
    over.abort();
    // amqplib ends only its half, which a host that is gone never confirms, and the socket would keep the process
    // alive.
    life.abort();
  });

  return {
    model,
    get isOpen() {
      return isOpen;
    },
    get blocked() {
      return blocked;
    },
    lost,
    async take() {
      for (let channel = idle.pop(); channel; channel = idle.pop()) {
        if (channel.isOpen) return channel;
      }
      return openPublishChannel(model).catch(() => {
        throw lost();
      });
    },
    giveBack(channel) {
      channel.reset();
      if (channel.isOpen) idle.push(channel);
    },
    async close() {
      if (!isOpen) return;
      model.close().catch(() => {
        // It ended by itself in the meantime.
      });
      await clock.sleep(LONGEST_CLOSING, over.signal);
      life.abort();
    },
  };
}

/** Explains why a connection cannot be made, and what to do. None of amqplib's errors contains the password. */
function unreachable(address: string, error: unknown): SinkError {
  const where = `RabbitMQ at ${address}`;
  const text = messageOf(error);
  const problem = /ACCESS.REFUSED/.test(text)
    ? `${where} rejected the user or password`
    : /ConnectionOpenOk/.test(text)
      ? `${where} has no such virtual host, or denies the user access to it`
      : `${where} cannot be reached: ${wordsOf(error)}`;
  return new SinkError(problem, { retryable: true, cause: error });
}

function wordsOf(error: unknown): string {
  // If all addresses of a host fail, Node reports one error with an empty message and the real ones inside.
  const text = error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : undefined;
  return printable(text ?? messageOf(error), LONGEST_REASON);
}
