import { createSecureContext } from 'node:tls';
import type * as Amqplib from 'amqplib';
import { TrackbridgeError } from '../errors.js';
import { loadDriver } from './driver.js';
import { createRabbitClient } from './rabbitmq-client.js';
import type { Server } from './rabbitmq-connection.js';
import { createDelivery } from './rabbitmq-delivery.js';
import { type RouteOptions, routeOf } from './rabbitmq-route.js';
import { declare, verify } from './rabbitmq-topology.js';
import type { Sink, SinkContext, SinkType } from './sink.js';
import { refuseStrayCredentials } from './url-credentials.js';

/** What `schemas/sinks/rabbitmq.schema.json` lets through; durations are milliseconds, sizes bytes. */
export interface RabbitmqOptions extends RouteOptions {
  readonly url: string;
  readonly queueType: 'classic' | 'quorum';
  readonly mandatory: boolean;
  readonly maxMessageSize: number;
  readonly heartbeat: number;
  readonly ssl?: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
  };
}

export const rabbitmqSink: SinkType = {
  type: 'rabbitmq',
  async create(options, context) {
    const load = (): Promise<typeof Amqplib> => import('amqplib');
    const driver = await loadDriver('amqplib@2', load, context.name);
    // The shape is what the schema let through.
    return createRabbitmqSink(options as unknown as RabbitmqOptions, context, driver);
  },
};

/**
 * Publishes every event as a message, and takes it for delivered when RabbitMQ has confirmed it. Throws CONFIG_INVALID where
 * the options contradict themselves; what goes wrong later is a SinkError or a result, without credentials.
 */
export function createRabbitmqSink(
  options: RabbitmqOptions,
  context: Pick<SinkContext, 'clock' | 'format' | 'name'>,
  driver: Server['driver'],
): Sink {
  const route = routeOf(options);
  const topology = { route, queue: options.queue, queueType: options.queueType };
  const client = createRabbitClient(serverOf(options, context, driver), async (model) => {
    if (options.declare) await declare(model, topology);
  });
  return {
    open: () => client.open(),
    deliver: createDelivery(client, route, options, context.format),
    check: () => client.alone((model) => verify(model, topology, options.declare)),
    close: () => client.close(),
  };
}

function serverOf(
  { url, heartbeat, ssl = {} }: RabbitmqOptions,
  { clock, name }: Pick<SinkContext, 'clock' | 'name'>,
  driver: Server['driver'],
): Server {
  const { protocol, username, password, hostname, port, pathname, search, hash } = parse(url);
  if (search !== '' || hash !== '') {
    throw invalid('url: takes no parameters; heartbeat and ssl are options of the sink');
  }
  const { servername: _, ...pem } = ssl;
  if (protocol === 'amqp:' && Object.keys(ssl).length > 0) {
    throw invalid('ssl: needs a url that begins with amqps://');
  }
  try {
    createSecureContext(pem);
  } catch (cause) {
    throw invalid('ssl: ca, cert and key must be PEM text, and the key that of the cert', cause);
  }
  const ports = protocol === 'amqp:' ? 5672 : 5671;
  const target: Amqplib.Options.Connect = {
    protocol: protocol.slice(0, -1),
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || ports,
    // amqplib undoes the encoding of this one itself.
    vhost: pathname.slice(1),
    // AMQP counts in seconds, and takes 0 for never.
    heartbeat: Math.max(1, Math.round(heartbeat / 1000)),
    ...(username !== '' && { username: decoded(username), password: decoded(password) }),
  };
  return { driver, target, tls: ssl, address: `${hostname}:${target.port}`, name, clock };
}

function parse(text: string): URL {
  refuseStrayCredentials(text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.hostname && (url.protocol === 'amqp:' || url.protocol === 'amqps:')) return url;
  // The text is left out: it can hold a password.
  throw invalid('url: must be a complete amqp:// or amqps:// URL');
}

/** A stray `%` in a password stays what it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function invalid(message: string, cause?: unknown): TrackbridgeError {
  return new TrackbridgeError('CONFIG_INVALID', message, { cause });
}
