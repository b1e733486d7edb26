import type { Socket } from 'node:net';
import { isIP, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { IClientOptions, IConnackPacket, MqttClient } from 'mqtt';
import { type Clock, withinTime } from '../../core/clock.js';
import { loadDriver } from '../../core/driver.js';
import type { Connection } from '../kit/shared-connection.js';
import type { TlsOptions } from '../kit/tls-options.js';

export interface MqttPlace {
  readonly url: URL;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  readonly ssl: TlsOptions;
}

export interface MqttMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly contentType: string;
  readonly userProperties: Record<string, string>;
}

/** The limits that a broker announces when a client connects. */
export interface MqttLimits {
  /** Bytes of a packet. */
  readonly packet: number;
  readonly qos: 0 | 1 | 2;
}

/** The MQTT client that a sink needs. Only this file uses the `mqtt` package. */
export interface MqttConnection extends Connection {
  /** Resolves when connected. Rejects with the error of the driver or the socket. */
  ready(): Promise<MqttLimits>;
  /** Resolves when the broker has acknowledged the message; with QoS 0 when it is written. Call it when ready. */
  publish(message: MqttMessage, qos: 0 | 1 | 2): Promise<void>;
  /**
   * Resolves if the broker accepts messages of this topic; otherwise rejects with its reason. It sends an empty message
   * with QoS 2 and ends the connection instead of releasing the message, so that no subscriber receives it. Call it
   * when ready, if the broker supports that QoS.
   */
  probe(topic: string): Promise<void>;
}

/** Milliseconds to wait for a connection, and for messages under way when closing. */
const CONNECT = 5_000;
const CLOSE = 500;
/** Seconds between keep-alive packets. */
const KEEP_ALIVE = 30;

/** MQTT's largest packet, and the most unacknowledged messages, if the broker announces no limit. */
const LARGEST_PACKET = 268_435_460;
const MOST_UNACKNOWLEDGED = 65_535;
/** MQTT's reason codes from this one on are errors. */
const FIRST_REFUSAL = 128;
/** MQTT's reason code for a packet that is larger than the receiver accepts. */
const TOO_LARGE = 149;

/**
 * Loads the driver and returns a function that connects by MQTT 5. Throws CONFIG_INVALID if it is not installed. The
 * driver's reconnecting and queueing are off. Sockets are created here, because the driver would use proxies from the
 * environment.
 */
export async function loadMqtt(
  { url, clientId, username, password, ssl }: MqttPlace,
  { name, clock }: { readonly name: string; readonly clock: Clock },
): Promise<(suffix?: string) => MqttConnection> {
  const { MqttClient: Client } = await loadDriver('mqtt@5', () => import('mqtt'), name);
  const secure = url.protocol === 'mqtts:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const target = { host, port: Number(url.port) || (secure ? 8883 : 1883) };
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const connect = (): Socket =>
    secure ? tlsConnect({ ...target, ...servername, ...ssl }) : tcpConnect(target);
  return (suffix = '') => {
    const options: IClientOptions = {
      protocolId: 'MQTT',
      protocolVersion: 5,
      clientId: clientId + suffix,
      clean: true,
      keepalive: KEEP_ALIVE,
      reconnectPeriod: 0,
      connectTimeout: CONNECT,
      queueQoSZero: false,
      resubscribe: false,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
    };
    const socket = connect();
    socket.setNoDelay(true);
    return new DriverConnection(new Client(() => socket, options), socket, clock);
  };
}

/** The connection ended or never existed. `code` is the broker's reason or Node's name of an error. */
export class MqttLost extends Error {
  readonly code: unknown;

  constructor(message: string, { cause, code }: { readonly cause: Error; readonly code: unknown }) {
    super(message, { cause });
    this.code = code;
  }
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}
interface Sent {
  readonly bytes: number;
  readonly reject: (reason: Error) => void;
}

class DriverConnection implements MqttConnection {
  readonly #client: MqttClient;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #ready: Promise<MqttLimits>;
  /** Messages that are sent and not acknowledged, oldest first. */
  readonly #sent = new Set<Sent>();
  /** Messages that wait for permission to send. */
  readonly #queue: Waiting[] = [];
  #room = MOST_UNACKNOWLEDGED;
  #lost: Error | undefined;

  constructor(client: MqttClient, socket: Socket, clock: Clock) {
    this.#client = client;
    this.#socket = socket;
    this.#clock = clock;
    let reason: Error | undefined;
    client.on('error', (error) => {
      reason ??= error;
      socket.destroy();
    });
    client.on('disconnect', ({ reasonCode }) => {
      reason ??= Object.assign(new Error('the broker ended the connection'), { code: reasonCode });
    });
    this.#ready = new Promise((resolve, reject) => {
      client.once('connect', (packet) => resolve(this.#limits(packet)));
      client.once('close', () => {
        this.#lose(reason ?? new Error('the connection was closed'));
        reject(this.#lost);
      });
    });
    // Callers that wait for it receive the error.
    this.#ready.catch(() => {});
  }

  ready(): Promise<MqttLimits> {
    return this.#lost === undefined ? this.#ready : Promise.reject(this.#lost);
  }

  async publish(message: MqttMessage, qos: 0 | 1 | 2): Promise<void> {
    await this.#leave();
    try {
      await this.#acknowledged(message, qos);
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#room++;
      else next.resolve();
    }
  }

  async probe(topic: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      // Runs before the driver handles the packet, which would release the message.
      this.#client.on('packetreceive', (packet) => {
        if (packet.cmd !== 'pubrec') return;
        const code = packet.reasonCode ?? 0;
        if (code < FIRST_REFUSAL) resolve();
        else reject(Object.assign(new Error('the broker rejected the request'), { code }));
        this.cut();
      });
      this.#client.publish(topic, '', { qos: 2 }, (error) => {
        if (error != null) reject(error);
      });
    });
  }

  async close(): Promise<void> {
    if (this.#lost === undefined) {
      const ended = new Promise<void>((resolve) => this.#client.end(false, () => resolve()));
      await withinTime(ended, CLOSE, this.#clock, () => undefined);
    }
    this.cut();
  }

  cut(): void {
    this.#client.end(true);
    this.#socket.destroy();
  }

  #limits({ properties }: IConnackPacket): MqttLimits {
    this.#room = properties?.receiveMaximum ?? MOST_UNACKNOWLEDGED;
    const qos = properties?.maximumQoS;
    return {
      packet: properties?.maximumPacketSize ?? LARGEST_PACKET,
      qos: qos === 0 || qos === 1 ? qos : 2,
    };
  }

  /**
   * A broker ends the connection of a client with more unacknowledged messages than it accepts. Messages are sent in
   * order of arrival.
   */
  async #leave(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    if (this.#room === 0) {
      return await new Promise((resolve, reject) => this.#queue.push({ resolve, reject }));
    }
    this.#room--;
  }

  #acknowledged(message: MqttMessage, qos: 0 | 1 | 2): Promise<void> {
    const { topic, payload, ...properties } = message;
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) return reject(this.#lost);
      const sent: Sent = { bytes: payload.length, reject };
      this.#sent.add(sent);
      this.#client.publish(topic, payload, { qos, properties }, (error) => {
        this.#sent.delete(sent);
        if (error == null) resolve();
        else reject(error);
      });
    });
  }

  #lose(reason: Error): void {
    const code: unknown = Object(reason).code;
    const lost = new MqttLost(reason.message, { cause: reason, code });
    this.#lost = lost;
    const culprit = culpritOf(reason, [...this.#sent]);
    culprit?.sent.reject(culprit.refusal);
    for (const { reject } of [...this.#sent, ...this.#queue]) reject(lost);
    this.#sent.clear();
    this.#queue.length = 0;
    this.#client.end(true);
  }
}

/**
 * Returns the message that broke the connection, if it can be determined, and its error: it would break the next
 * connection too. If the connection ended because a packet was too large, it is the largest. Brokers acknowledge in
 * order (MQTT 5, 4.6), so an acknowledgment that the driver cannot parse belongs to the oldest. Mosquitto rejects
 * messages over its message_size_limit with a reason code that MQTT does not define there.
 */
function culpritOf(
  reason: Error,
  sent: readonly Sent[],
): { readonly sent: Sent; readonly refusal: Error } | undefined {
  const largest = sent.toSorted((a, b) => b.bytes - a.bytes)[0];
  if (Object(reason).code === TOO_LARGE) return largest && { sent: largest, refusal: reason };
  const unread = /^Invalid pub(?:ack|rec) reason code$/.test(reason.message);
  const refusal = Object.assign(new Error(reason.message), { code: TOO_LARGE });
  return unread && sent[0] !== undefined ? { sent: sent[0], refusal } : undefined;
}
