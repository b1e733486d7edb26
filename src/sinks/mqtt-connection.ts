import type { Socket } from 'node:net';
import { isIP, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { IClientOptions, IConnackPacket, MqttClient } from 'mqtt';
import type { Clock } from '../clock.js';
import { loadDriver } from './driver.js';
import type { Connection } from './shared-connection.js';
import type { TlsOptions } from './tls-options.js';

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
  readonly userProperties?: Record<string, string>;
}

/** What a broker says it takes, when a client connects. */
export interface MqttLimits {
  /** Bytes of a packet. */
  readonly packet: number;
  readonly qos: 0 | 1 | 2;
}

/** All that a sink needs of an MQTT client. The `mqtt` package is behind this and nowhere else. */
export interface MqttConnection extends Connection {
  /** Resolves when connected; rejects with what the driver says, or the socket. */
  ready(): Promise<MqttLimits>;
  /** Resolves when the broker has acknowledged, for QoS 0 when it is written. To be called when ready. */
  publish(message: MqttMessage, qos: 0 | 1 | 2): Promise<void>;
  /**
   * Resolves where the broker takes messages of this topic; otherwise rejects with its reason. Sends an empty one with QoS 2
   * and ends the connection instead of releasing it, so that it goes to nobody. To be called when ready, where the broker has
   * that QoS.
   */
  probe(topic: string): Promise<void>;
}

/** Milliseconds to wait for a connection, and for what is under way when closing. */
const CONNECT = 5_000;
const CLOSE = 500;
/** Seconds between signs of life. */
const KEEP_ALIVE = 30;

/** MQTT's largest packet, and the most that may wait for an acknowledgement, where the broker says nothing. */
const LARGEST_PACKET = 268_435_460;
const MOST_UNACKNOWLEDGED = 65_535;
/** MQTT's reason codes from this on are refusals. */
const FIRST_REFUSAL = 128;
/** MQTT's reason code for a packet that is larger than the other side takes. */
const TOO_LARGE = 149;

/**
 * Loads the driver and returns what connects by MQTT 5. Throws CONFIG_INVALID where it is not installed. Its own
 * reconnecting and queueing are off, and its sockets are made here: it would take proxies from the environment.
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

/** The connection ended, or was never there; `code` is the broker's reason or Node's name of an error. */
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
  /** Those that are sent and not acknowledged, oldest first. */
  readonly #sent = new Set<Sent>();
  /** Those that wait for leave to send. */
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
    // Whoever waits for it hears of it.
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
      // Before the driver hears of it, which would release the message.
      this.#client.on('packetreceive', (packet) => {
        if (packet.cmd !== 'pubrec') return;
        const code = packet.reasonCode ?? 0;
        if (code < FIRST_REFUSAL) resolve();
        else reject(Object.assign(new Error('the broker refused'), { code }));
        this.cut();
      });
      this.#client.publish(topic, '', { qos: 2 }, (error) => {
        if (error != null) reject(error);
      });
    });
  }

  async close(): Promise<void> {
    if (this.#lost === undefined) {
      const waiting = new AbortController();
      const ended = new Promise<void>((resolve) => this.#client.end(false, () => resolve()));
      await Promise.race([ended, this.#clock.sleep(CLOSE, waiting.signal)]);
      waiting.abort();
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

  /** A broker ends the connection of a client that has more unacknowledged than it takes. First come, first served. */
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
 * The message over which the connection broke, where that can be told, and its error: it would break the next one too. Of a
 * connection that ends over a packet that is too large it is the largest. Brokers acknowledge in order (MQTT 5, 4.6), so an
 * acknowledgement that the driver cannot read is the oldest's; Mosquitto refuses what is over its message_size_limit by one
 * with a reason code that MQTT does not have there.
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
