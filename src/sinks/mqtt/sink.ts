import { randomUUID } from 'node:crypto';
import type { SinkOptions } from '../../config/config.js';
import { configInvalid, TrackbridgeError } from '../../core/errors.js';
import { idText } from '../kit/id-text.js';
import { heldBack } from '../kit/in-order.js';
import { SharedConnection } from '../kit/shared-connection.js';
import { compileTemplate, isChosenBySenders, PROBE, type Template } from '../kit/template.js';
import { withLineBreaks } from '../kit/tls-options.js';
import { refuseStrayCredentials } from '../kit/url-credentials.js';
import { urlOption } from '../kit/url-option.js';
import {
  DELIVERED,
  type DeliveryResult,
  isTransient,
  resultOf,
  type Sink,
  type SinkContext,
  SinkError,
  type SinkEvent,
  type SinkType,
} from '../sink.js';
import {
  loadMqtt,
  type MqttConnection,
  type MqttLimits,
  type MqttMessage,
  type MqttPlace,
} from './connection.js';
import { mqttFailure } from './failure.js';

export type MqttOptions = SinkOptions['mqtt'];

export const mqttSink: SinkType<'mqtt'> = {
  type: 'mqtt',
  create: (options, context) => createMqttSink(options, context),
};

/** Code units of an event's value in a topic. */
const VALUE_LENGTH = 100;
/** The most bytes of a packet besides payload, topic and properties: header, lengths, identifier. */
const OVERHEAD = 64;

/**
 * Publishes events by MQTT 5, one message each. With QoS 1 or 2 an event counts as delivered when the broker has
 * acknowledged it. Throws CONFIG_INVALID for an invalid url or topic, or if the driver is missing.
 */
export async function createMqttSink(options: MqttOptions, context: SinkContext): Promise<Sink> {
  const { qos } = options;
  const place = placeOf(options);
  const topicOf = compileTopic(options.topic);
  const chosen = isChosenBySenders(options.topic);
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
    throw new SinkError(`${where}: the broker does not support qos ${qos}`, { retryable: true });
  }

  async function publish(
    connection: MqttConnection,
    event: SinkEvent,
    limits: MqttLimits,
  ): Promise<DeliveryResult> {
    const message = messageOf(event);
    const about = `topic ${message.topic}`;
    try {
      // A broker would end the connection because of it, on every attempt.
      if (sizeOf(message) > limits.packet) {
        const text = `${about}: larger than the ${limits.packet} bytes that the broker accepts`;
        throw new SinkError(text, { retryable: false });
      }
      await connection.publish(message, qos);
      return DELIVERED;
    } catch (error) {
      return resultOf(mqttFailure(error, about, chosen));
    }
  }

  return {
    open: async () => {},

    async deliver(batch, signal) {
      return await connections.use(async (connection, retire) => {
        const limits = await ready(connection);
        // All at once: the broker receives them in the order in which they are sent.
        const sent = batch.map((event) => publish(connection, event, limits));
        const results = heldBack(batch, await Promise.all(sent));
        if (results.some(isTransient)) retire();
        return results;
      }, signal);
    },

    async check() {
      // A client id of its own: a broker ends the connection of a running receiver with the same id.
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

function placeOf({ url: text, clientId, username, password, ssl }: MqttOptions): MqttPlace {
  refuseStrayCredentials(text);
  const url = urlOption(text, 'url', ['mqtt', 'mqtts']);
  const [user, secret] = [username ?? plain(url.username), password ?? plain(url.password)];
  if (user === null || secret === null) {
    throw configInvalid('url: percent-encode % of user and password, as %25');
  }
  return {
    url,
    clientId: clientId ?? `trackbridge-${randomUUID().slice(0, 8)}`,
    ssl: withLineBreaks(ssl),
    ...(user !== '' && { username: user }),
    ...(secret !== '' && { password: secret }),
  };
}

/** Percent-decodes a part of a URL; null if it is not valid percent-encoding. */
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
  return ({ dedupeKey, event, json, messageId, trace }) => {
    const key = idText(dedupeKey, (text) => !UNFIT.test(text));
    const properties = {
      messageId,
      dedupeKey: key,
      source: event.receipt.source,
      type: event.type,
      ...trace,
    };
    // The payload contains them anyway.
    const fit = Object.entries(properties).filter(([, value]) => !UNFIT.test(value));
    return {
      topic: topicOf(event),
      payload: Buffer.from(json),
      contentType,
      userProperties: Object.fromEntries(fit),
    };
  };
}

/**
 * Characters that brokers reject in MQTT's texts by ending the connection: control characters, unpaired surrogates,
 * noncharacters.
 */
const UNFIT = /[\p{Cc}\p{Cs}\p{Cn}]/u;

/** Values cannot add levels to a topic, contain wildcards, or select the broker's own topics, which begin with `$`. */
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
  const texts = [topic, contentType, ...Object.entries(userProperties).flat()];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return payload.length + bytes + OVERHEAD;
}
