import { connect, createServer, type Server, type Socket } from 'node:net';

/** Kafka's numbers of the requests, and of the errors, that the relay knows. */
const PRODUCE = 0;
const METADATA = 3;
const ERRORS = { UNKNOWN_TOPIC_OR_PARTITION: 3, MESSAGE_TOO_LARGE: 10 } as const;

export interface KafkaRelay {
  readonly port: number;
  /** `stall`: takes requests and never answers. `fail`: cuts every connection, as a broker that restarts. */
  mode: 'pass' | 'stall' | 'fail';
  /** A partition that is sent a record with this text refuses its whole request as too large. */
  poison: string | undefined;
  /** A topic that does not exist. */
  missing: string | undefined;
  /** Answered requests to produce. */
  readonly produced: number;
  /** Cuts the connections there are. */
  cut(): void;
  close(): Promise<void>;
}

/**
 * A broker's other face: passes on what is sent to the mock broker behind it, whose port it replaces by its own in the
 * metadata, so that a test can cut, stall and refuse. Refusals are answered as Kafka does (Produce v3 to v7), since the
 * mock broker takes everything.
 */
export async function kafkaRelay(upstream: number): Promise<KafkaRelay> {
  const sockets = new Set<Socket>();
  let produced = 0;
  let mode: KafkaRelay['mode'] = 'pass';
  const server: Server = createServer((near) => {
    if (mode === 'fail') return void near.destroy();
    const far = connect(upstream, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    const asked = new Map<number, number>();
    onFrames(near, (frame) => {
      if (mode === 'stall') return;
      const [api, correlation] = [frame.readInt16BE(4), frame.readInt32BE(8)];
      if (api === PRODUCE && relay.poison !== undefined && frame.includes(relay.poison)) {
        near.write(refusal(frame));
        return;
      }
      asked.set(correlation, api);
      far.write(frame);
    });
    onFrames(far, (frame) => {
      const api = asked.get(frame.readInt32BE(4));
      asked.delete(frame.readInt32BE(4));
      if (api === PRODUCE) produced++;
      if (api === METADATA) {
        redirect(frame, upstream, port);
        if (relay.missing !== undefined) remove(frame, relay.missing);
      }
      near.write(frame);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const relay: KafkaRelay = {
    port,
    poison: undefined,
    missing: undefined,
    get produced() {
      return produced;
    },
    get mode() {
      return mode;
    },
    set mode(to) {
      mode = to;
      if (to === 'fail') relay.cut();
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      relay.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return relay;
}

/** Calls with each whole message, its four bytes of length included. */
function onFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let held: Buffer[] = [];
  let size = 0;
  socket.on('data', (chunk: Buffer) => {
    held.push(chunk);
    size += chunk.length;
    if (size < 4 || size < 4 + (held[0] as Buffer).readInt32BE(0)) return;
    let all = Buffer.concat(held);
    while (all.length >= 4 && all.length >= 4 + all.readInt32BE(0)) {
      const end = 4 + all.readInt32BE(0);
      take(all.subarray(0, end));
      all = all.subarray(end);
    }
    held = all.length > 0 ? [all] : [];
    size = all.length;
  });
}

/** Where the metadata names a broker, its port follows its host. */
function redirect(frame: Buffer, from: number, to: number): void {
  const host = Buffer.from('\u0000\u0009127.0.0.1');
  for (let at = frame.indexOf(host); at >= 0; at = frame.indexOf(host, at + 1)) {
    const port = at + host.length;
    if (frame.readInt32BE(port) === from) frame.writeInt32BE(to, port);
  }
}

/** Where the metadata names a topic, its error stands before its name. */
function remove(frame: Buffer, topic: string): void {
  const name = Buffer.alloc(2 + topic.length);
  name.writeInt16BE(topic.length, 0);
  name.write(topic, 2);
  const at = frame.indexOf(name);
  if (at >= 2) frame.writeInt16BE(ERRORS.UNKNOWN_TOPIC_OR_PARTITION, at - 2);
}

/** The answer to a request to produce that refuses every partition in it. */
function refusal(frame: Buffer): Buffer {
  const version = frame.readInt16BE(6);
  let at = 12;
  const text = (): Buffer => {
    const length = Math.max(frame.readInt16BE(at), 0);
    at += 2 + length;
    return frame.subarray(at - 2 - length, at);
  };
  const number = (): number => {
    at += 4;
    return frame.readInt32BE(at - 4);
  };
  const int32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
  };
  text(); // client id
  text(); // transactional id
  at += 2 + 4; // acks, timeout
  const topics = number();
  const parts: Buffer[] = [int32(frame.readInt32BE(8)), int32(topics)];
  for (let topic = 0; topic < topics; topic++) {
    parts.push(text());
    const partitions = number();
    parts.push(int32(partitions));
    for (let index = 0; index < partitions; index++) {
      const error = Buffer.alloc(version >= 5 ? 26 : 18, 0xff);
      error.writeInt16BE(ERRORS.MESSAGE_TOO_LARGE, 0);
      parts.push(int32(number()), error);
      const records = number();
      at += records;
    }
  }
  parts.push(int32(0)); // throttled for
  const body = Buffer.concat(parts);
  return Buffer.concat([int32(body.length), body]);
}
