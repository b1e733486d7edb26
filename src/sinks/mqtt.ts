import { randomUUID } from 'node:crypto';
import { TrackbridgeError } from '../errors.js';
import {
  loadMqtt,
  type MqttConnection,
  type MqttLimits,
  type MqttMessage,
  type MqttPlace,
} from './mqtt-connection.js';
import { mqttFailure } from './mqtt-failure.js';
import { SharedConnection } from './shared-connection.js';
import {
  DELIVERED,
  type DeliveryResult,
  type Sink,
  type SinkContext,
  SinkError,
  type SinkEvent,
  type SinkType,
} from './sink.js';
import { compileTemplate, PROBE, type Template } from './template.js';
import { type TlsOptions, withLineBreaks } from './tls-options.js';
import { refuseStrayCredentials } from './url-credentials.js';

export interface MqttOptions {
  readonly url: string;
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly clientId?: string;
  readonly username?: string;
  readonly password?: string;
  readonly ssl: TlsOptions;
}

export const mqttSink: SinkType = {
  type: 'mqtt',
  // The shape is what schemas/sinks/mqtt.schema.json let through.
  create: (options, context) => createMqttSink(options as unknown as MqttOptions, context),
};

/** Code units of an event's value in a topic. */
const VALUE_LENGTH = 100;
/** Bytes of a packet beside payload, topic and properties, at most: header, lengths, identifier. */
const OVERHEAD = 64;

/**
 * Publishes events by MQTT 5, one message each; with QoS 1 or 2 an event counts as delivered when the broker has
 * acknowledged it. Throws CONFIG_INVALID for a url or topic that can be none, or where the driver is missing.
 */
export async function createMqttSink(options: MqttOptions, context: SinkContext): Promise<Sink> {
  const { qos } = options;
  const place = placeOf(options);
  const topicOf = compileTopic(options.topic);
  const messageOf = compileMessage(topicOf, context.format);
  const where = place.url.host;
  const connect = await loadMqtt(place, context);
  const connections = new SharedConnection(connect);

  async function ready(connection: MqttConnection): Promise<MqttLimits> {
    try {
      const limits = await connection.ready();
      if (limits.qos >= qos) return limits;
    } catch (error) {
      throw mqttFailure(error, where);
    }
    throw new SinkError(`${where}: the broker does not take qos ${qos}`, { retryable: true });
  }

  async function publish(
    connection: MqttConnection,
    event: SinkEvent,
    limits: MqttLimits,
  ): Promise<DeliveryResult> {
    const message = messageOf(event);
    const about = `topic ${message.topic}`;
    try {
      // A broker would end the connection over it, again and again.
      if (sizeOf(message) > limits.packet) {
        const text = `${about}: larger than the ${limits.packet} bytes that the broker takes`;
        throw new SinkError(text, { retryable: false });
      }
      await connection.publish(message, qos);
      return DELIVERED;
    } catch (error) {
      const { message: text, retryable } = mqttFailure(error, about);
      return { ok: false, retryable, error: text };
    }
  }

  return {
    open: async () => {},

    async deliver(batch, signal) {
      return await connections.use(
        async (connection) => {
          const limits = await ready(connection);
          // All at once: the broker has them in the order in which they are sent.
          const sent = batch.map((event) => publish(connection, event, limits));
          return inOrder(batch, await Promise.all(sent));
        },
        signal,
        (results) => results.every((result) => result.ok || !result.retryable),
      );
    },

    async check() {
      // A name of its own: a broker ends the connection of a receiver that runs under the same.
      const checking = connect('-check');
      try {
        const limits = await ready(checking);
        if (limits.qos === 2) await mayPublish(checking, topicOf(PROBE));
      } finally {
        await checking.close();
      }
    },

    close: () => connections.close(),
  };
}

async function mayPublish(connection: MqttConnection, topic: string): Promise<void> {
  try {
    await connection.probe(topic);
  } catch (error) {
    throw mqttFailure(error, `topic ${topic}`);
  }
}

/** What a user's event is sent after one that comes again has to come again too. */
function inOrder(
  batch: readonly SinkEvent[],
  results: readonly DeliveryResult[],
): readonly DeliveryResult[] {
  const behind = new Map<unknown, DeliveryResult>();
  return results.map((result, index) => {
    const event = batch[index]?.event;
    const user = event?.['userId'] ?? event?.['anonymousId'];
    const before = behind.get(user);
    if (before !== undefined && result.ok) return before;
    if (!result.ok && result.retryable) behind.set(user, result);
    return result;
  });
}

function placeOf({ url: text, clientId, username, password, ssl }: MqttOptions): MqttPlace {
  refuseStrayCredentials(text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const [user, secret] = [username ?? plain(url?.username), password ?? plain(url?.password)];
  if (
    !url ||
    !/^mqtts?:$/.test(url.protocol) ||
    !url.hostname ||
    user === null ||
    secret === null
  ) {
    // The text is left out: a URL can hold a password.
    throw new TrackbridgeError('CONFIG_INVALID', 'url: must be a complete mqtt:// or mqtts:// URL');
  }
  return {
    url,
    clientId: clientId ?? `trackbridge-${randomUUID().slice(0, 8)}`,
    ssl: withLineBreaks(ssl),
    ...(user !== '' && { username: user }),
    ...(secret !== '' && { password: secret }),
  };
}

/** A part of a URL without its percent signs; null where they stand for nothing. */
function plain(part = ''): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

function compileMessage(
  topicOf: Template,
  format: SinkContext['format'],
): (event: SinkEvent) => MqttMessage {
  const contentType =
    format === 'cloudevents' ? 'application/cloudevents+json' : 'application/json';
  return ({ event, json, messageId }) => {
    const properties = { messageId, source: event.receipt.source, type: event.type };
    // The payload has them in any case.
    const fit = Object.entries(properties).filter(([, value]) => !UNFIT.test(value));
    return {
      topic: topicOf(event),
      payload: Buffer.from(json),
      contentType,
      // The driver writes none at all as a packet that no broker can read.
      ...(fit.length > 0 && { userProperties: Object.fromEntries(fit) }),
    };
  };
}

/** What brokers refuse in MQTT's texts, and end the connection over: control characters, half surrogates, no characters. */
const UNFIT = /[\p{Cc}\p{Cs}\p{Cn}]/u;

/** Values have no part in the levels of a topic, in wildcards, or in the broker's own topics, which begin with `$`. */
function compileTopic(text: string): Template {
  const clean = (value: string): string =>
    value.slice(0, VALUE_LENGTH).replaceAll(/[+#/$\p{Cc}\p{Cs}\p{Cn}]/gu, '_');
  try {
    return compileTemplate(text, clean);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new TrackbridgeError('CONFIG_INVALID', `topic: ${error.message}`, { cause: error });
  }
}

function sizeOf({ topic, payload, contentType, userProperties }: MqttMessage): number {
  const texts = [topic, contentType, ...Object.entries(userProperties ?? {}).flat()];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return payload.length + bytes + OVERHEAD;
}
