import type * as Amqplib from 'amqplib';
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import { printable } from './printable.js';
import { openPublishChannel, type PublishChannel } from './rabbitmq-channel.js';
import { SinkError } from './sink.js';

// For the TCP connection, TLS, AMQP's handshake and what is declared, all together.
const LONGEST_OPENING = 10_000;
const LONGEST_CLOSING = 1_000;
const LONGEST_REASON = 200;

export interface Server {
  readonly driver: Pick<typeof Amqplib, 'connect'>;
  /** Where to connect to, with credentials. */
  readonly target: Amqplib.Options.Connect;
  readonly tls: Pick<Amqplib.SocketOptions, 'ca' | 'cert' | 'key' | 'servername'>;
  /** The same for people: host and port. */
  readonly address: string;
  /** The sink's name, shown by `rabbitmqctl list_connections client_properties`. */
  readonly name: string;
  readonly clock: Clock;
}

/** One connection to RabbitMQ. It never comes back by itself: who needs one opens another. */
export interface RabbitConnection {
  readonly model: Amqplib.ChannelModel;
  readonly isOpen: boolean;
  /** Why RabbitMQ takes nothing at the moment (memory or disk are short); undefined where it does. */
  readonly blocked: string | undefined;
  /** What ended it, as a failure that may pass. */
  lost(): SinkError;
  /** A confirm channel that nobody else uses, until it is given back. */
  take(): Promise<PublishChannel>;
  giveBack(channel: PublishChannel): void;
  /** Says goodbye, and ends within a second whether it is answered or not. */
  close(): Promise<void>;
}

/**
 * Connects, and has `prepare` done before anything else. `life` ends the connection at any moment. Rejects with a SinkError
 * that may pass: whoever runs the server can bring it back, or give the right that is missing.
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
      // Given to the socket: amqplib has no other way to end a connection that the far side does not answer on.
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
  const over = new AbortController();
  model.on('close', (error) => {
    isOpen = false;
    reason ??= error;
    over.abort();
    // amqplib only ends its half, which a host that is gone never confirms, and the socket would keep the process alive.
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
    lost() {
      const why = reason === undefined ? 'it was closed' : wordsOf(reason);
      return new SinkError(`the connection to RabbitMQ at ${address} was lost: ${why}`, {
        retryable: true,
      });
    },
    async take() {
      for (let channel = idle.pop(); channel; channel = idle.pop()) {
        if (channel.isOpen) return channel;
      }
      return openPublishChannel(model);
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

/** What keeps a connection from being made, in words that say what to do. The password is in none of amqplib's errors. */
function unreachable(address: string, error: unknown): SinkError {
  const where = `RabbitMQ at ${address}`;
  const text = messageOf(error);
  const problem = /ACCESS.REFUSED/.test(text)
    ? `${where} refused the user or its password`
    : /ConnectionOpenOk/.test(text)
      ? `${where} has no such virtual host, or does not let the user into it`
      : `${where} cannot be reached: ${wordsOf(error)}`;
  return new SinkError(problem, { retryable: true, cause: error });
}

function wordsOf(error: unknown): string {
  // Node reports a host whose addresses all failed as one error with an empty message and the real ones inside.
  const text = error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : undefined;
  return printable(text ?? messageOf(error), LONGEST_REASON);
}
