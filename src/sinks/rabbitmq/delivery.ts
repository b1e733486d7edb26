import { printable } from '../../core/printable.js';
import { heldBack } from '../kit/in-order.js';
import { interrupted, orInterrupted } from '../kit/interrupt.js';
import type { SharedConnection } from '../kit/shared-connection.js';
import {
  DELIVERED,
  type DeliveryResult,
  type Failed,
  isTransient,
  resultOf,
  type Sink,
  SinkError,
} from '../sink.js';
import type { Message, PublishChannel, PublishOutcome, Refusal } from './channel.js';
import type { RabbitConnection } from './connection.js';
import type { RabbitLink } from './link.js';
import { messageOf } from './message.js';
import type { Route } from './route.js';
import { exchangeName, missingExchange, notPermitted } from './topology.js';

const LONGEST_EXCERPT = 200;

interface DeliveryOptions {
  readonly mandatory: boolean;
  /** Bytes. */
  readonly maxMessageSize: number;
  readonly declare: boolean;
}

/** What became of the messages of one attempt, and why, if the channel or the connection ended. */
interface Attempt {
  /** Undefined for a message that RabbitMQ had not confirmed when the signal aborted. */
  readonly outcomes: readonly (PublishOutcome | undefined)[];
  readonly refusal: Refusal | undefined;
  lost(): SinkError;
}

/** Creates the sink's `deliver`: it publishes a batch in order and waits for all confirmations. */
export function createDelivery(
  connections: SharedConnection<RabbitLink>,
  route: Route,
  { mandatory, maxMessageSize, declare }: DeliveryOptions,
  format: 'canonical' | 'cloudevents' | undefined,
): Sink['deliver'] {
  /** Publishes over one channel. Resolves to a SinkError if there is none; the other lanes keep the connection. */
  async function attempt(
    link: RabbitLink,
    retire: () => void,
    messages: readonly Message[],
    signal: AbortSignal,
  ): Promise<Attempt | SinkError> {
    let channel: PublishChannel;
    let connection: RabbitConnection;
    try {
      connection = await orInterrupted(() => link.ready(), signal);
      if (connection.blocked !== undefined) return blocked(connection.blocked);
      channel = await orInterrupted(() => connection.take(), signal);
    } catch (error) {
      retire();
      if (error instanceof SinkError) return error;
      throw error;
    }
    try {
      const outcomes = await publishAll(channel, messages, signal);
      const isMissing = outcomes.includes('unroutable') || channel.refusal?.code === 404;
      // The next connection declares it again.
      if (declare && isMissing) retire();
      return { outcomes, refusal: channel.refusal, lost: connection.lost };
    } finally {
      if (channel.unsettled === 0) connection.giveBack(channel);
      // A connection that RabbitMQ blocks is kept: it would block another one too.
      else if (connection.blocked === undefined) retire();
      else channel.close().catch(() => {});
    }
  }

  /**
   * Publishes in one attempt. If RabbitMQ closes the channel, the rejected message is searched for among the
   * unconfirmed ones.
   */
  async function publish(
    messages: readonly Message[],
    signal: AbortSignal,
  ): Promise<DeliveryResult[]> {
    // Ends by itself when the signal aborts, so that messages confirmed by then count as delivered.
    const attempted = await connections.use((link, retire) => {
      return attempt(link, retire, messages, signal);
    });
    if (attempted instanceof SinkError) throw attempted;
    const { outcomes, refusal, lost } = attempted;
    const isOnesFault = refusal !== undefined && blamesEvent(refusal, route);

    const results: DeliveryResult[] = [];
    let stopped: DeliveryResult | undefined;
    for (const [index, message] of messages.entries()) {
      const outcome = outcomes[index];
      if (outcome === 'stored') results.push(DELIVERED);
      else if (outcome === 'unroutable') results.push(unroutable(route));
      else if (outcome === 'nacked') results.push(transient(NACKED));
      else if (outcome === undefined) results.push(resultOf(interrupted(signal)));
      else if (refusal === undefined) results.push(resultOf(lost()));
      else if (!isOnesFault) results.push(transient(refused(refusal, route)));
      else if (messages.length === 1) results.push(blamed(refusal));
      else {
        // RabbitMQ does not say for which message it closed the channel. Sent alone and in order, it does.
        const alone = stopped ?? (await single(message, signal));
        results.push(alone);
        if (isTransient(alone)) stopped = alone;
      }
    }
    return results;
  }

  async function single(message: Message, signal: AbortSignal): Promise<DeliveryResult> {
    try {
      const [result] = await publish([message], signal);
      return result ?? resultOf(interrupted(signal));
    } catch (error) {
      if (error instanceof SinkError) return resultOf(error);
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
    // Confirmations arrive in any order.
    return heldBack(batch, results);
  };
}

/** Publishes in order. Resolves when every message is settled or the signal aborts. */
function publishAll(
  channel: PublishChannel,
  messages: readonly Message[],
  signal: AbortSignal,
): Promise<(PublishOutcome | undefined)[]> {
  const outcomes: (PublishOutcome | undefined)[] = messages.map(() => undefined);
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

function blocked(reason: string): SinkError {
  const why = reason === '' ? 'its memory or disk is low' : reason;
  return new SinkError(`RabbitMQ is not accepting messages: ${why}`, { retryable: true });
}

const NACKED = 'RabbitMQ rejected the message; its queue is full or has failed';

/**
 * Whether a channel was closed because of one event, and not because an operator changed the exchange or a right, which
 * must not cost a backlog.
 */
function blamesEvent({ code, text }: Refusal, route: Route): boolean {
  if (code !== 403 && code !== 404) return true;
  if (route.fixedExchange === undefined) return true;
  return code === 403 && route.fixedKey === undefined && /access to topic/.test(text);
}

/** Why RabbitMQ rejected everything. */
function refused({ code, text }: Refusal, { fixedExchange = '' }: Route): string {
  if (code === 404) return missingExchange(fixedExchange);
  if (code === 403) return notPermitted(`publish to ${exchangeName(fixedExchange)}`);
  return `RabbitMQ closed the channel: ${printable(text, LONGEST_EXCERPT)}`;
}

/** One event that RabbitMQ rejected. Its text can repeat the event's content. */
function blamed({ code, text }: Refusal): Failed {
  const message =
    code === 404
      ? 'there is no exchange for this event'
      : code === 403
        ? 'the user of the url has no right to publish this event to its exchange'
        : code === 406 && /message size/.test(text)
          ? 'the message is larger than RabbitMQ accepts; raise its max_message_size'
          : `RabbitMQ rejected the message with ${code}`;
  const farSide = printable(text, LONGEST_EXCERPT);
  return { ok: false, message, farSide, retryable: false };
}

/**
 * If every event goes the same way, a binding was lost, and waiting for it helps. If events choose, this one would
 * block its lane forever.
 */
function unroutable({ fixedExchange, fixedKey }: Route): Failed {
  if (fixedExchange === '' && fixedKey !== undefined) {
    return transient(`there is no queue "${fixedKey}"; create it, or set declare: true`);
  }
  if (fixedExchange !== undefined && fixedKey !== undefined) {
    const place = `the exchange "${fixedExchange}" for the key "${fixedKey}"`;
    return transient(`no queue is bound to ${place}; bind one, or set mandatory: false`);
  }
  const message = 'no queue is bound for this event; bind one, or set mandatory: false';
  return { ok: false, message, retryable: false };
}

function tooLarge({ content }: Message, longest: number): Failed {
  const message = `the event has ${content.length} bytes; maxMessageSize is ${longest}`;
  return { ok: false, message, retryable: false };
}

function transient(message: string): Failed {
  return { ok: false, message, retryable: true };
}
