import { connect } from 'node:net';

/** One connection with one request at a time. */
export interface Connection {
  /** Sends a request. Its latency counts from `startedAt`. */
  send(request: Buffer, startedAt: number): void;
  close(): void;
}

export interface ConnectionEvents {
  /** An answer is complete. */
  answered(connection: Connection, latency: number, status: string): void;
  failed(error: Error): void;
}

const HEAD_END = '\r\n\r\n';

/**
 * Opens a connection. It is cheaper than an HTTP client, because the load must cost less than what it measures: answers
 * are told apart by their first line and length only.
 */
export async function openConnection(port: number, events: ConnectionEvents): Promise<Connection> {
  const socket = connect(port, '127.0.0.1').setNoDelay();
  let startedAt = 0;
  let waits = false;
  let answer = '';
  const connection: Connection = {
    send(request, at) {
      startedAt = at;
      waits = true;
      socket.write(request);
    },
    close: () => void socket.destroy(),
  };
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer = answer === '' ? text : answer + text;
    const head = answer.indexOf(HEAD_END);
    if (head === -1) return;
    const length = /content-length: (\d+)/i.exec(answer)?.[1];
    if (length === undefined) {
      events.failed(new Error(`an answer without a length: ${answer.slice(0, 200)}`));
      return;
    }
    if (answer.length < head + HEAD_END.length + Number(length)) return;
    const status = answer.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length);
    answer = '';
    waits = false;
    events.answered(connection, performance.now() - startedAt, status);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.on('error', (error) => events.failed(error));
  socket.on('close', () => {
    if (waits) events.failed(new Error('the server closed a connection before its answer'));
  });
  return connection;
}
