import { randomUUID } from 'node:crypto';
import * as jetstream from '@nats-io/jetstream';
import * as transport from '@nats-io/transport-node';
import { createNatsSink, type NatsSinkOptions } from '../../../src/sinks/nats/sink.js';
import type { Sink } from '../../../src/sinks/sink.js';
import { eventually } from '../../support/receiver.js';

/** The options' defaults, as the schema fills them in. */
const defaults = {
  subject: 'events.{type}',
  jetstream: true,
  createStream: false,
  dedupeWindow: 3_600_000,
} as const;

type Options = Partial<NatsSinkOptions> & Pick<NatsSinkOptions, 'servers'>;

export const natsSink = (options: Options, context = {}): Sink =>
  createNatsSink({ ...defaults, ...options }, { transport, jetstream }, context);

interface StoredEvent {
  readonly subject: string;
  readonly msgId: string | undefined;
  readonly contentType: string | undefined;
  readonly json: string;
  /** '' if it has none. */
  readonly traceparent: string;
}

/** A stream that nobody else uses, and a look into it. */
export interface NatsPlayground {
  readonly connection: transport.NatsConnection;
  readonly manager: jetstream.JetStreamManager;
  /** The stream's name, and what its subjects begin with. */
  readonly stream: string;
  /** What the stream has stored, oldest first. */
  stored(): Promise<readonly StoredEvent[]>;
  /** How many it has stored; 0 where there is no stream. */
  count(): Promise<number>;
  /** Removes the stream, and disconnects. */
  dispose(): Promise<void>;
}

export async function natsPlayground(port = 4222): Promise<NatsPlayground> {
  const connection = await eventually(
    () =>
      transport
        .connect({ port, maxReconnectAttempts: -1, reconnectTimeWait: 20 })
        .catch(() => undefined),
    (made) => made !== undefined,
  );
  if (connection === undefined) throw new Error('not connected');
  const manager = await jetstream.jetstreamManager(connection, { checkAPI: false });
  const stream = `trackbridge-test-${randomUUID()}`;
  const count = async (): Promise<number> => {
    const info = await manager.streams.info(stream).catch(() => undefined);
    return info?.state.messages ?? 0;
  };
  return {
    connection,
    manager,
    stream,
    count,
    async stored() {
      const found: StoredEvent[] = [];
      for (let sequence = 1, left = await count(); left > 0; sequence++) {
        const message = await manager.streams.getMessage(stream, { seq: sequence });
        if (message === null) continue;
        left--;
        found.push({
          subject: message.subject,
          msgId: message.header.get('Nats-Msg-Id'),
          contentType: message.header.get('Content-Type'),
          traceparent: message.header.get('traceparent'),
          json: message.string(),
        });
      }
      return found;
    },
    async dispose() {
      await manager.streams.delete(stream).catch(() => {});
      await connection.close();
    },
  };
}
