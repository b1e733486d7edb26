import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import type { DeliveryRecord, LiveEvents } from '../../../src/workbench/inspect/record.js';
import { type StoredEntry, summaryOf } from './samples.js';

const PAGE = new URL('../../../dist/workbench/inspector/page/', import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The policy of the page as the admin listener sends it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** What was asked to be changed. */
interface Change {
  readonly path: string;
  readonly body: unknown;
}

/** An admin API that holds what a test gives it. */
export interface FakeApi {
  readonly url: string;
  /** In the order they were asked for. */
  readonly changes: readonly Change[];
  /** Newest first. */
  records: DeliveryRecord[];
  recording: boolean;
  token: string | undefined;
  stats: object;
  /** By path below /api/; oldest first. */
  readonly entries: Map<string, readonly StoredEntry[]>;
  /** Sinks whose dead letters cannot be replayed. */
  readonly full: Set<string>;
  /** What a POST to a delivery's action is answered with, by the action's name. */
  readonly answers: Map<string, { readonly status: number; readonly body: object }>;
  /** Adds a delivery and tells of it. */
  deliver(record: DeliveryRecord): void;
  tell<Name extends keyof LiveEvents>(name: Name, data: LiveEvents[Name]): void;
  /** Ends every live stream, and refuses new ones until `restore`. */
  breakLive(): void;
  restore(): void;
  readonly subscribers: number;
  close(): Promise<void>;
}

export async function startFakeApi(): Promise<FakeApi> {
  const live = new Map<ServerResponse, boolean>();
  const changes: Change[] = [];
  let isBroken = false;

  const server = createServer((request, response) => {
    const url = new URL(String(request.url), 'http://fake');
    const answered = url.pathname.startsWith('/api/')
      ? answerApi(request, response, url)
      : answerPage(url.pathname, response);
    answered.catch((error: unknown) => problem(response, 500, String(error)));
  });

  async function answerApi(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<void> {
    const { token } = fake;
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return problem(response, 401, 'the admin API needs admin.token as a bearer token');
    }
    const [, , area = '', id, action] = url.pathname.split('/').map(decodeURIComponent);
    if (area === 'live') return subscribe(response, url.searchParams.get('record') === 'true');
    if (area === 'stats') return send(response, fake.stats);
    const entries = fake.entries.get(area);
    if (request.method === 'POST') {
      const body: unknown = JSON.parse(await textOf(request));
      changes.push({ path: url.pathname, body });
      if (entries !== undefined) return changeEntries(response, area, String(id), body);
      const answer = fake.answers.get(String(action));
      return answer?.status === 200
        ? send(response, answer.body)
        : problem(response, answer?.status ?? 404, 'this does not work now');
    }
    if (entries !== undefined) return readEntries(response, entries, id, url);
    readDeliveries(response, id, action, url);
  }

  function subscribe(response: ServerResponse, withRecords: boolean): void {
    if (isBroken) {
      response.destroy();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    live.set(response, withRecords);
    response.on('close', () => live.delete(response));
    write(response, 'hello', {
      recording: fake.recording,
      version: '0.1.0',
      sources: ['segment', 'rudderstack'],
      sinks: ['archive', 'orders', 'terminal'],
      target: 'http://127.0.0.1:9999/hook',
    });
  }

  function readDeliveries(
    response: ServerResponse,
    id: string | undefined,
    action: string | undefined,
    url: URL,
  ): void {
    const find = (wanted: string | null | undefined): number =>
      fake.records.findIndex((record) => record.id === wanted);
    if (id === undefined) {
      const from = find(url.searchParams.get('before')) + 1;
      const limit = Number(url.searchParams.get('limit') ?? 100);
      send(response, fake.records.slice(from, from + limit).map(summaryOf));
      return;
    }
    const record = fake.records[find(id)];
    if (record === undefined) {
      problem(response, 404, 'there is no delivery with this id');
    } else if (action === 'curl') {
      response.end(`curl -X POST -d '{}' http://127.0.0.1:8080${record.path}\n`);
    } else send(response, action === 'fixture' ? { trackbridge: 1, path: record.path } : record);
  }

  function changeEntries(
    response: ServerResponse,
    area: string,
    action: string,
    body: unknown,
  ): void {
    const { ids, name } = Object(body) as { ids?: readonly string[]; name?: string };
    const entries = fake.entries.get(area) ?? [];
    const isMeant = (entry: StoredEntry): boolean =>
      ids !== undefined ? ids.includes(entry.id) : name === undefined || entry.name === name;
    const stays = (entry: StoredEntry): boolean => action === 'replay' && fake.full.has(entry.name);
    const left = entries.filter((entry) => !isMeant(entry) || stays(entry));
    const count = entries.length - left.length;
    const remaining = left.filter(isMeant).length;
    const errors = remaining > 0 ? ['sink orders has no room'] : [];
    fake.entries.set(area, left);
    send(response, action === 'purge' ? { purged: count } : { replayed: count, remaining, errors });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    changes,
    records: [],
    recording: true,
    token: undefined,
    stats: { inQuarantine: 0, pending: 0, sources: [], sinks: [] },
    entries: new Map([
      ['quarantine', []],
      ['dead-letters', []],
    ]),
    full: new Set(),
    answers: new Map(),
    deliver(record) {
      if (fake.recording) fake.records.unshift(record);
      for (const [response, withRecords] of live) {
        write(response, 'delivery', withRecords ? record : summaryOf(record));
      }
    },
    tell(name, data) {
      for (const response of live.keys()) write(response, name, data);
    },
    breakLive() {
      isBroken = true;
      for (const response of live.keys()) response.destroy();
    },
    restore() {
      isBroken = false;
    },
    get subscribers() {
      return live.size;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

async function answerPage(path: string, response: ServerResponse): Promise<void> {
  const name =
    path === '/' ? 'index.html' : (/^\/inspector\/((?:[\w-]+\/)*[\w.-]+)$/.exec(path)?.[1] ?? '');
  const content = await readFile(new URL(name, PAGE)).catch(() => undefined);
  if (content === undefined) return problem(response, 404, `nothing at ${path}`);
  response.writeHead(200, {
    'content-type': TYPES[extname(name)] ?? 'text/plain',
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  response.end(content);
}

function readEntries(
  response: ServerResponse,
  entries: readonly StoredEntry[],
  id: string | undefined,
  url: URL,
): void {
  if (id !== undefined) {
    const entry = entries.find((each) => each.id === id);
    if (entry === undefined) problem(response, 404, 'there is no entry with this id');
    else send(response, entry.detail);
    return;
  }
  const name = url.searchParams.get('name');
  const named = entries.filter((each) => name === null || each.name === name);
  const from = named.findIndex((each) => each.id === url.searchParams.get('after')) + 1;
  const limit = Number(url.searchParams.get('limit') ?? 100);
  send(
    response,
    named.slice(from, from + limit).map(({ summary }) => summary),
  );
}

function send(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function problem(response: ServerResponse, status: number, detail: string): void {
  send(response, { title: 'problem', status, detail }, status);
}

function write(response: ServerResponse, name: string, data: object): void {
  response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}
