import type { CanonicalEvent } from '../event/event.js';
import { interrupted } from './interrupt.js';
import { printable } from './printable.js';
import type { Message, Outcome, Refusal } from './rabbitmq-channel.js';
import type { Lease, RabbitClient } from './rabbitmq-client.js';
import { messageOf } from './rabbitmq-message.js';
import type { Route } from './rabbitmq-route.js';
import { exchangeName, missingExchange, notPermitted } from './rabbitmq-topology.js';
import { DELIVERED, type DeliveryResult, type Sink, SinkError, type SinkEvent } from './sink.js';

const LONGEST_EXCERPT = 200;

type Failed = Extract<DeliveryResult, { readonly ok: false }>;

interface DeliveryOptions {
  readonly mandatory: boolean;
  /** Bytes. */
  readonly maxMessageSize: number;
  readonly declare: boolean;
}

/** Makes `deliver` of the sink: publishes a batch in its order, and waits for all confirmations. */
export function createDelivery(
  client: RabbitClient,
  route: Route,
  { mandatory, maxMessageSize, declare }: DeliveryOptions,
  format: 'canonical' | 'cloudevents' | undefined,
): Sink['deliver'] {
  /** What each of these messages became; `undefined` where RabbitMQ had not said it when the signal aborted. */
  function publishAll(
    { channel }: Lease,
    messages: readonly Message[],
    signal: AbortSignal,
  ): Promise<(Outcome | undefined)[]> {
    const outcomes: (Outcome | undefined)[] = messages.map(() => undefined);
    let left = messages.length;
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end);
        resolve([...outcomes]);
      };
      if (signal.aborted) end();
      signal.addEventListener('abort', end, { once: true });
      messages.forEach((message, index) => {
        channel.publish(message, (outcome) => {
          outcomes[index] = outcome;
          left--;
          if (left === 0) end();
        });
      });
    });
  }

  /** Publishes over one channel; what RabbitMQ refused by closing it is looked for among what was not confirmed. */
  async function publish(
    messages: readonly Message[],
    signal: AbortSignal,
  ): Promise<DeliveryResult[]> {
    const lease = await client.lease(signal);
    let outcomes: (Outcome | undefined)[];
    try {
      outcomes = await publishAll(lease, messages, signal);
    } finally {
      lease.release();
    }
    const { refusal } = lease.channel;
    const isOnesFault = refusal !== undefined && blamesEvent(refusal, route);
    const isMissing = outcomes.includes('unroutable') || refusal?.code === 404;
    if (declare && isMissing) client.renew();

    const results: DeliveryResult[] = [];
    let stopped: DeliveryResult | undefined;
    for (const [index, message] of messages.entries()) {
      const outcome = outcomes[index];
      if (outcome === 'stored') results.push(DELIVERED);
      else if (outcome === 'unroutable') results.push(unroutable(route));
      else if (outcome === 'nacked') results.push(transient(NACKED));
      else if (outcome === undefined) results.push(failure(interrupted(signal)));
      else if (refusal === undefined) results.push(failure(lease.connection.lost()));
      else if (!isOnesFault) results.push(transient(refused(refusal, route)));
      else if (messages.length === 1) results.push(blamed(refusal));
      else {
        // RabbitMQ does not say which message it closed the channel for. Each alone and in order, it does.
        const alone = stopped ?? (await single(message, signal));
        results.push(alone);
        if (!alone.ok && alone.retryable) stopped = alone;
      }
    }
    return results;
  }

  async function single(message: Message, signal: AbortSignal): Promise<DeliveryResult> {
    try {
      const [result] = await publish([message], signal);
      return result ?? failure(interrupted(signal));
    } catch (error) {
      if (error instanceof SinkError) return failure(error);
      throw error;
    }
  }

  return async (batch, signal) => {
    if (signal.aborted) throw interrupted(signal);
    const messages: Message[] = [];
    const places: number[] = [];
    const results: DeliveryResult[] = batch.map((event, index) => {
      const message = messageOf(event, route, mandatory, format);
      if (message.content.length > maxMessageSize) return tooLarge(message, maxMessageSize);
      messages.push(message);
      places.push(index);
      return DELIVERED;
    });
    if (messages.length === 0) return results;
    const published = await publish(messages, signal);
    places.forEach((place, index) => {
      const result = published[index];
      if (result) results[place] = result;
    });
    return inOrder(batch, results);
  };
}

const NACKED = 'RabbitMQ did not take the message; its queue is full, or has failed';

/**
 * Whether a channel was closed for what one event says, and not for what an operator did to the exchange or a right, which
 * must not cost a backlog.
 */
function blamesEvent({ code, text }: Refusal, route: Route): boolean {
  if (code !== 403 && code !== 404) return true;
  if (route.fixedExchange === undefined) return true;
  return code === 403 && route.fixedKey === undefined && /access to topic/.test(text);
}

/** Why RabbitMQ refused everything. */
function refused({ code, text }: Refusal, { fixedExchange = '' }: Route): string {
  if (code === 404) return missingExchange(fixedExchange);
  if (code === 403) return notPermitted(`publish to ${exchangeName(fixedExchange)}`);
  return `RabbitMQ closed the channel: ${printable(text, LONGEST_EXCERPT)}`;
}

/** One event that RabbitMQ refused. What it says can repeat what the event holds. */
function blamed({ code, text }: Refusal): Failed {
  const error =
    code === 404
      ? 'there is no exchange for this event'
      : code === 403
        ? 'the user of the url has no right to publish this event where it is to go'
        : code === 406 && /message size/.test(text)
          ? 'the message is larger than RabbitMQ takes; raise max_message_size there'
          : `RabbitMQ refused the message with ${code}`;
  return { ok: false, retryable: false, error, excerpt: printable(text, LONGEST_EXCERPT) };
}

/**
 * Where every event goes the same way, a binding has been lost, and is worth waiting for. Where events choose, this one
 * would hold up its lane for ever.
 */
function unroutable({ fixedExchange, fixedKey }: Route): Failed {
  if (fixedExchange === '' && fixedKey !== undefined) {
    return transient(`there is no queue "${fixedKey}"; create it, or set declare: true`);
  }
  if (fixedExchange !== undefined && fixedKey !== undefined) {
    const place = `the exchange "${fixedExchange}" for the key "${fixedKey}"`;
    return transient(`no queue is bound to ${place}; bind one, or set mandatory: false`);
  }
  const error = 'no queue is bound for this event; bind one, or set mandatory: false';
  return { ok: false, retryable: false, error };
}

function tooLarge({ content }: Message, longest: number): Failed {
  const error = `the event has ${content.length} bytes; maxMessageSize is ${longest}`;
  return { ok: false, retryable: false, error };
}

function transient(error: string): Failed {
  return { ok: false, retryable: true, error };
}

function failure({ message, retryable }: SinkError): Failed {
  return { ok: false, retryable, error: message };
}

/**
 * Confirmations come in any order. Where an event has to be tried again, its user's later events are too, though they have
 * arrived: else it would be the last that is known of the user.
 */
function inOrder(
  batch: readonly SinkEvent[],
  results: readonly DeliveryResult[],
): readonly DeliveryResult[] {
  const waiting = new Map<string, Failed>();
  return results.map((result, index) => {
    if (!result.ok && !result.retryable) return result;
    if (result.ok && waiting.size === 0) return result;
    const event = batch[index]?.event;
    const user = event && userOf(event);
    if (user === undefined) return result;
    if (!result.ok) waiting.set(user, result);
    return waiting.get(user) ?? result;
  });
}

function userOf({ userId, anonymousId }: CanonicalEvent): string | undefined {
  const id = userId ?? anonymousId;
  return typeof id === 'string' ? id : undefined;
}
