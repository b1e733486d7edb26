import type { ChannelModel } from 'amqplib';
import { orInterrupted } from './interrupt.js';
import type { PublishChannel } from './rabbitmq-channel.js';
import { openConnection, type RabbitConnection, type Server } from './rabbitmq-connection.js';
import { SinkError } from './sink.js';

/** A channel for one delivery, and the connection it is on. */
export interface Lease {
  readonly channel: PublishChannel;
  readonly connection: Pick<RabbitConnection, 'blocked' | 'lost'>;
  /**
   * Gives the channel back. Where messages on it are still unsettled, it is not used again, nor is its connection, except
   * while RabbitMQ blocks it: there another connection would be blocked too.
   */
  release(): void;
}

/** Keeps one connection that all lanes share, a channel each; a new one when that has ended. */
export interface RabbitClient {
  open(): Promise<void>;
  /** Rejects with a SinkError that may pass. */
  lease(signal: AbortSignal): Promise<Lease>;
  /** Has the next lease begin with a new connection, on which everything is declared again. */
  renew(): void;
  /** A connection of its own for `work`, closed afterwards. */
  alone(work: (model: ChannelModel) => Promise<void>): Promise<void>;
  /** Ends within a second, whatever the far side does. May be called twice, and `open` after it. */
  close(): Promise<void>;
}

interface Shared {
  readonly connection: Promise<RabbitConnection>;
  leases: number;
  isRetired: boolean;
}

/** `prepare` is done on each new connection. */
export function createRabbitClient(
  server: Server,
  prepare: (model: ChannelModel) => Promise<void>,
): RabbitClient {
  const lives = new Set<AbortController>();
  const connections = new Set<RabbitConnection>();
  let current: Shared | undefined;
  let isOpen = false;

  async function connect(work: (model: ChannelModel) => Promise<void>): Promise<RabbitConnection> {
    const life = new AbortController();
    lives.add(life);
    life.signal.addEventListener('abort', () => lives.delete(life), { once: true });
    const connection = await openConnection(server, life, work);
    connections.add(connection);
    life.signal.addEventListener('abort', () => connections.delete(connection), { once: true });
    return connection;
  }

  function shared(): Shared {
    if (current) return current;
    const opening: Shared = { connection: connect(prepare), leases: 0, isRetired: false };
    current = opening;
    opening.connection.catch(() => retire(opening));
    return opening;
  }

  function retire(one: Shared): void {
    one.isRetired = true;
    if (current === one) current = undefined;
    if (one.leases > 0) return;
    one.connection
      .then((connection) => connection.close())
      .catch(() => {
        // It was never opened, and who waited for it has been told.
      });
  }

  async function usable(signal: AbortSignal): Promise<[Shared, RabbitConnection]> {
    const one = shared();
    const connection = await orInterrupted(() => one.connection, signal);
    if (connection.isOpen) return [one, connection];
    retire(one);
    const next = shared();
    return [next, await orInterrupted(() => next.connection, signal)];
  }

  return {
    async open() {
      isOpen = true;
      await shared().connection;
    },

    async lease(signal) {
      if (!isOpen) throw new SinkError('the sink is not open', { retryable: true });
      const [one, connection] = await usable(signal);
      if (connection.blocked !== undefined) throw blocked(connection.blocked);
      one.leases++;
      const done = (): void => {
        one.leases--;
        if (one.isRetired) retire(one);
      };
      let channel: PublishChannel;
      try {
        channel = await orInterrupted(() => connection.take(), signal);
      } catch (error) {
        done();
        if (signal.aborted) retire(one);
        throw error instanceof SinkError ? error : connection.lost();
      }
      return {
        channel,
        connection,
        release() {
          if (channel.unsettled === 0) connection.giveBack(channel);
          else if (connection.blocked === undefined) retire(one);
          else channel.close().catch(() => {});
          done();
        },
      };
    },

    renew() {
      if (current) retire(current);
    },

    async alone(work) {
      const connection = await connect(work);
      await connection.close();
    },

    async close() {
      isOpen = false;
      current = undefined;
      await Promise.all([...connections].map((connection) => connection.close()));
      // Those that are still being opened.
      for (const life of lives) life.abort(new Error('the sink was closed'));
    },
  };
}

function blocked(reason: string): SinkError {
  const why = reason === '' ? 'memory or disk are short' : reason;
  return new SinkError(`RabbitMQ takes no messages at the moment: ${why}`, { retryable: true });
}
