import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type {
  DeliveryRecord,
  DeliverySummary,
  Fixture,
} from '../../src/workbench/inspect/record.js';

/** An admin listener that says what a test tells it to, by the inspector's API. */
export interface FakeAdmin {
  readonly url: string;
  readonly port: number;
  /** Paths with their queries, in the order they were asked for. */
  readonly asked: string[];
  /** What it has recorded, oldest first; `undefined`: it does not record. */
  deliveries: DeliveryRecord[] | undefined;
  /** What `/fixture` answers, by id. */
  readonly fixtures: Map<string, Fixture>;
  /** Answers everything with this, where set. */
  refusal: number | undefined;
  send(event: 'delivery' | 'attempt' | 'lag', data: unknown): void;
  /** Ends every connection and listens no more. */
  stop(): Promise<void>;
}

/** Starts one; `port` of an earlier one plays a restart. */
export async function fakeAdmin(port = 0): Promise<FakeAdmin> {
  const live = new Set<ServerResponse>();
  const write = (response: ServerResponse, event: string, data: unknown): void => {
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const server = createServer((request, response) => {
    const url = new URL(String(request.url), 'http://fake');
    admin.asked.push(String(request.url));
    const json = (status: number, value: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    const recorded = admin.deliveries ?? [];
    const [, id, what] = /^\/api\/deliveries\/([^/]+)(?:\/(\w+))?$/.exec(url.pathname) ?? [];
    const one = recorded.find((each) => each.id === id);
    if (admin.refusal !== undefined) return json(admin.refusal, { detail: 'told so' });
    if (url.pathname === '/api/live') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.once('close', () => live.delete(response));
      live.add(response);
      response.write(': hello\n\n');
      const recording = admin.deliveries !== undefined;
      return write(response, 'hello', { recording, version: '0', sources: ['segment'], sinks: [] });
    }
    if (url.pathname === '/api/deliveries') {
      const before = recorded.findIndex((each) => each.id === url.searchParams.get('before'));
      const older = before === -1 ? recorded : recorded.slice(0, before);
      return json(200, older.toReversed().slice(0, Number(url.searchParams.get('limit'))));
    }
    const answer = what === 'fixture' ? admin.fixtures.get(String(id)) : one;
    return answer === undefined ? json(404, { detail: 'gone' }) : json(200, answer);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as { port: number };
  const admin: FakeAdmin = {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    asked: [],
    deliveries: undefined,
    fixtures: new Map(),
    refusal: undefined,
    send(event, data) {
      for (const response of live) write(response, event, data);
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return admin;
}

/** A delivery of one event, as it is summed up. */
export function summaryOf(id: string, more: Partial<DeliverySummary> = {}): DeliverySummary {
  return {
    id,
    at: '2026-01-02T03:04:05.678Z',
    source: 'segment',
    method: 'POST',
    path: '/segment',
    remote: '127.0.0.1',
    status: 200,
    outcome: 'accepted',
    ms: 3.4,
    bytes: 20,
    verified: true,
    verifiedBy: 'segment-signature',
    count: 1,
    accepted: 1,
    duplicates: 0,
    quarantined: 0,
    looped: 0,
    first: { type: 'track', event: 'Order Completed', user: 'u-1', messageId: id },
    sinks: [],
    ...more,
  };
}

/** The same opened. */
export function recordOf(id: string, more: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return {
    ...summaryOf(id),
    request: {
      httpVersion: '1.1',
      headers: [
        ['host', 'example.com'],
        ['content-type', 'application/json'],
        ['x-signature', '[masked]'],
        ['content-length', '17'],
      ],
      body: Buffer.from('{"type": "track"}').toString('base64'),
      bodyBytes: 17,
      bodyTruncated: false,
      bodyRedacted: false,
    },
    answer: { status: 200, headers: [], body: '' },
    events: [],
    attempts: [],
    attemptsDropped: 0,
    ...more,
  };
}
