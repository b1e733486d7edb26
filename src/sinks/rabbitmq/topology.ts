import type { Channel, ChannelModel } from 'amqplib';
import { PROBE } from '../kit/template.js';
import { SinkError } from '../sink.js';
import { openPublishChannel, refusalOf } from './channel.js';
import type { Route } from './route.js';

export interface Topology {
  readonly route: Route;
  readonly queue: string | undefined;
  readonly queueType: 'classic' | 'quorum';
}

/**
 * Declares what is missing: the exchange as a durable topic exchange, the queue as a durable queue bound to it.
 * Existing ones stay unchanged, whatever their arguments; declaring them with others would be rejected. Rejects with a
 * SinkError.
 */
export async function declare(model: ChannelModel, topology: Topology): Promise<void> {
  const { queue, queueType } = topology;
  const { fixedExchange: exchange = '', fixedKey } = topology.route;
  if (exchange !== '' && !(await hasExchange(model, exchange))) {
    await asked(model, `declare the exchange "${exchange}"`, (channel) =>
      channel.assertExchange(exchange, 'topic', { durable: true }),
    );
  }
  if (queue === undefined) return;
  if (!(await hasQueue(model, queue))) {
    await asked(model, `declare the queue "${queue}"`, (channel) =>
      channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': queueType } }),
    );
  }
  if (exchange === '') return;
  await asked(model, `bind the queue "${queue}" to the exchange "${exchange}"`, (channel) =>
    channel.bindQueue(queue, exchange, fixedKey ?? '#'),
  );
}

/** Checks that everything required exists and may be written to. Leaves nothing behind. Rejects with a SinkError. */
export async function verify(
  model: ChannelModel,
  { route, queue }: Topology,
  declares: boolean,
): Promise<void> {
  if (queue !== undefined && !declares && !(await hasQueue(model, queue))) {
    throw failed(`there is no queue "${queue}"; create it, or set declare: true`);
  }
  const { fixedExchange: exchange } = route;
  if (exchange === undefined) return;
  if (exchange !== '' && !(await hasExchange(model, exchange))) {
    if (declares) return;
    throw failed(missingExchange(exchange));
  }
  await mayPublish(model, exchange, route.routingKey(PROBE));
}

export function missingExchange(exchange: string): string {
  return `there is no exchange "${exchange}"; create it, or set declare: true`;
}

export function notPermitted(action: string): string {
  return `the user of the url has no right to ${action}; see rabbitmqctl set_permissions`;
}

/**
 * Publishes a message that RabbitMQ never stores: RabbitMQ checks the right to write first, and then rejects an
 * expiration that is not a number, with 406.
 */
async function mayPublish(
  model: ChannelModel,
  exchange: string,
  routingKey: string,
): Promise<void> {
  const channel = await openPublishChannel(model);
  const properties = { messageId: 'check', expiration: 'never' };
  const content = Buffer.alloc(0);
  await new Promise<void>((resolve) => {
    channel.publish({ exchange, routingKey, content, properties }, () => resolve());
  });
  await channel.close().catch(alreadyClosed);
  if (channel.refusal?.code === 403) {
    throw failed(notPermitted(`publish to ${exchangeName(exchange)}`));
  }
}

export function exchangeName(exchange: string): string {
  return exchange === '' ? 'the default exchange' : `the exchange "${exchange}"`;
}

function hasExchange(model: ChannelModel, exchange: string): Promise<boolean> {
  return has(model, `use the exchange "${exchange}"`, (channel) => channel.checkExchange(exchange));
}

function hasQueue(model: ChannelModel, queue: string): Promise<boolean> {
  return has(model, `use the queue "${queue}"`, (channel) => channel.checkQueue(queue));
}

async function has(
  model: ChannelModel,
  action: string,
  look: (channel: Channel) => Promise<unknown>,
): Promise<boolean> {
  try {
    await asked(model, action, look);
    return true;
  } catch (error) {
    if (error instanceof SinkError && refusalOf(error.cause)?.code === 404) return false;
    throw error;
  }
}

/** Makes one request on its own channel, since RabbitMQ closes the channel to say no. */
async function asked(
  model: ChannelModel,
  action: string,
  ask: (channel: Channel) => Promise<unknown>,
): Promise<void> {
  const channel = await model.createChannel();
  // The request rejects with the same error. Without a listener, the event would end the process.
  channel.on('error', () => undefined);
  try {
    await ask(channel);
  } catch (cause) {
    const refusal = refusalOf(cause);
    if (!refusal) throw cause;
    const problem =
      refusal.code === 403 ? notPermitted(action) : `RabbitMQ did not ${action}: ${refusal.text}`;
    throw failed(problem, cause);
  } finally {
    await channel.close().catch(alreadyClosed);
  }
}

function alreadyClosed(): void {
  // By RabbitMQ, as its answer.
}

function failed(problem: string, cause?: unknown): SinkError {
  return new SinkError(problem, { retryable: true, ...(cause !== undefined && { cause }) });
}
