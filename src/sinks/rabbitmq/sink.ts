import { createSecureContext } from 'node:tls';
import type * as Amqplib from 'amqplib';
import type { SinkOptions } from '../../config/config.js';
import { loadDriver } from '../../core/driver.js';
import { configInvalid } from '../../core/errors.js';
import { SharedConnection } from '../kit/shared-connection.js';
import { refuseStrayCredentials } from '../kit/url-credentials.js';
import { urlOption } from '../kit/url-option.js';
import type { Sink, SinkContext, SinkType } from '../sink.js';
import type { Server } from './connection.js';
import { createDelivery } from './delivery.js';
import { RabbitLink } from './link.js';
import { routeOf } from './route.js';
import { declare, verify } from './topology.js';

/** Options as validated by `schemas/sinks/rabbitmq.schema.json`; durations are milliseconds, sizes bytes. */
export type RabbitmqOptions = SinkOptions['rabbitmq'];

export const rabbitmqSink: SinkType<'rabbitmq'> = {
  type: 'rabbitmq',
  async create(options, context) {
    const load = (): Promise<typeof Amqplib> => import('amqplib');
    const driver = await loadDriver('amqplib@2', load, context.name);
    return createRabbitmqSink(options, context, driver);
  },
};

/**
 * Publishes every event as a message, which counts as delivered when RabbitMQ has confirmed it. Throws CONFIG_INVALID
 * if the options contradict each other. Later failures are SinkErrors or results, without credentials.
 */
export function createRabbitmqSink(
  options: RabbitmqOptions,
  context: Pick<SinkContext, 'clock' | 'format' | 'name'>,
  driver: Server['driver'],
): Sink {
  const route = routeOf(options);
  const topology = { route, queue: options.queue, queueType: options.queueType };
  const server = serverOf(options, context, driver);
  const connections = new SharedConnection(() => {
    return new RabbitLink(server, async (model) => {
      if (options.declare) await declare(model, topology);
    });
  });
  return {
    async open() {
      await connections.use((link) => link.ready());
    },
    deliver: createDelivery(connections, route, options, context.format),
    async check() {
      const link = new RabbitLink(server, (model) => verify(model, topology, options.declare));
      try {
        await link.ready();
      } finally {
        await link.close();
      }
    },
    close: () => connections.close(),
  };
}

function serverOf(
  { url, heartbeat, ssl = {} }: RabbitmqOptions,
  { clock, name }: Pick<SinkContext, 'clock' | 'name'>,
  driver: Server['driver'],
): Server {
  const { protocol, username, password, hostname, port, pathname, search, hash } = parse(url);
  if (search !== '' || hash !== '') {
    throw configInvalid('url: takes no parameters; heartbeat and ssl are options of the sink');
  }
  const { servername: _, ...pem } = ssl;
  if (protocol === 'amqp:' && Object.keys(ssl).length > 0) {
    throw configInvalid('ssl: requires a url that begins with amqps://');
  }
  try {
    createSecureContext(pem);
  } catch (cause) {
    throw configInvalid(
      'ssl: ca, cert and key must be PEM text, and key must belong to cert',
      cause,
    );
  }
  const ports = protocol === 'amqp:' ? 5672 : 5671;
  const target: Amqplib.Options.Connect = {
    protocol: protocol.slice(0, -1),
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || ports,
    // amqplib decodes this one itself.
    vhost: pathname.slice(1),
    // AMQP counts in seconds, and 0 means never.
    heartbeat: Math.max(1, Math.round(heartbeat / 1000)),
    ...(username !== '' && { username: decoded(username), password: decoded(password) }),
  };
  return { driver, target, tls: ssl, address: `${hostname}:${target.port}`, name, clock };
}

function parse(text: string): URL {
  refuseStrayCredentials(text);
  return urlOption(text, 'url', ['amqp', 'amqps']);
}

/** A stray `%` in a password is kept. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
