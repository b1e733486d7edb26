import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '../support/receiver.js';

/** An event as it came to a sink. */
export interface TakenEvent {
  readonly messageId: string;
  /** The `Idempotency-Key` of the request that brought it. */
  readonly key: string | undefined;
  /** The same for the same event: a digest of its JSON text, since of some rows the texts would be gigabytes. */
  readonly content: string;
}

/** What a request gets: an answer; none, on a connection that stays open; or a connection that breaks. */
type Answer =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  | 'hang'
  | 'reset';

/** Judges the events of one request. */
type Behaviour = (
  events: readonly TakenEvent[],
  request: IncomingMessage,
) => Answer | Promise<Answer>;

/** The far side of an `http` sink: an HTTP server that keeps what it was sent. */
export interface RecordingSink {
  readonly url: string;
  /** The options of an `http` sink that sends here. */
  readonly options: {
    readonly type: 'http';
    readonly url: string;
    readonly allowPrivateAddresses: true;
  };
  /** Every event of a request answered 2xx, in the order of the answers; one that came again is there again. */
  readonly taken: readonly TakenEvent[];
  /** How many requests have come whole, whatever they got. */
  readonly requests: number;
  /** From now on requests get this; at first all get 200. Requests that hang stay so. */
  behave(behaviour: Behaviour): void;
  /** Nobody listens on its port any more, and every connection breaks. */
  goDown(): Promise<void>;
  /** It listens on its port again. */
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

/** Opens one on a port of its own on loopback. It reads bodies of one event, arrays, and `{"batch": []}`. */
export async function openRecordingSink(): Promise<RecordingSink> {
  const taken: TakenEvent[] = [];
  let requests = 0;
  let behaviour: Behaviour = () => ({ status: 200 });

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const events = await eventsOf(request);
    requests++;
    const answer = await behaviour(events, request);
    if (answer === 'hang') return;
    if (answer === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    if (answer.status >= 200 && answer.status < 300) taken.push(...events);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  };
  const server = createServer((request, response) => {
    // The program was killed while it sent: there is nobody to answer.
    handle(request, response).catch(() => response.destroy());
  });
  const listen = (on: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject).listen(on, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  const goDown = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;
  return {
    url,
    options: { type: 'http', url, allowPrivateAddresses: true },
    taken,
    get requests() {
      return requests;
    },
    behave(next) {
      behaviour = next;
    },
    goDown,
    async comeBack() {
      // Meanwhile the port may be somebody's outgoing one, for a moment.
      await eventually(
        () => listen(port).catch(() => undefined),
        () => server.listening,
      );
    },
    async close() {
      if (server.listening) await goDown();
    },
  };
}

async function eventsOf(request: IncomingMessage): Promise<readonly TakenEvent[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  const key = request.headers['idempotency-key'];
  return listOf(body).map((event) => ({
    messageId: String((event as { messageId?: unknown }).messageId),
    key: typeof key === 'string' ? key : undefined,
    content: createHash('sha1').update(JSON.stringify(event)).digest('base64'),
  }));
}

function listOf(body: unknown): readonly unknown[] {
  if (Array.isArray(body)) return body;
  const { batch } = body as { batch?: unknown };
  return Array.isArray(batch) ? batch : [body];
}
