import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const PASSWORD = 'hunter2-password';

interface Table {
  readonly rows: Record<string, unknown>[];
  readonly tokens: Set<string>;
}

/**
 * What ClickHouse documents of its HTTP interface, as far as the sink uses it: users by header, statements in `query`, rows
 * in the body, settings as parameters, exceptions by code, and deduplication by token. A server of a version that the sink
 * needs cannot be installed where these tests run.
 */
export interface ClickHouse {
  readonly port: number;
  /** By `database.table`. */
  readonly tables: Map<string, Table>;
  /** Parameters of every request, `query` among them. */
  readonly requests: URLSearchParams[];
  /** What to do with a request instead; true where it was done. */
  door: ((response: ServerResponse, body: string) => boolean) | undefined;
  addTable(name: string): Table;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Answers with an exception as ClickHouse does. */
export function exception(
  response: ServerResponse,
  status: number,
  code: number,
  text = 'Something',
): true {
  response.writeHead(status, { 'x-clickhouse-exception-code': String(code) });
  response.end(`Code: ${code}. DB::Exception: ${text}. (SOME_NAME) (version 24.8.4.13)\n`);
  return true;
}

export async function clickHouse(): Promise<ClickHouse> {
  let server: Server | undefined;
  let port = 0;
  const here: ClickHouse = {
    get port() {
      return port;
    },
    tables: new Map(),
    requests: [],
    door: undefined,
    addTable(name) {
      const table: Table = { rows: [], tokens: new Set() };
      here.tables.set(name, table);
      return table;
    },
    async stop() {
      const ended = server;
      server = undefined;
      ended?.closeAllConnections();
      await new Promise<void>((resolve) => (ended ? ended.close(() => resolve()) : resolve()));
    },
    async start() {
      const next = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => answer(request, Buffer.concat(chunks).toString(), response));
      });
      await new Promise<void>((resolve) => next.listen(port, '127.0.0.1', resolve));
      port = (next.address() as AddressInfo).port;
      server = next;
    },
  };

  function answer(request: IncomingMessage, body: string, response: ServerResponse): void {
    const { searchParams } = new URL(request.url ?? '', 'http://here');
    here.requests.push(searchParams);
    if (here.door?.(response, body)) return;
    if (request.headers['x-clickhouse-key'] !== PASSWORD) {
      exception(response, 403, 516, 'default: Authentication failed');
      return;
    }
    const query = searchParams.get('query') ?? '';
    const database = searchParams.get('database');
    const [, created] =
      /^CREATE TABLE IF NOT EXISTS `(\w+)` \(`dedupe_key` String, `message_id` String, /.exec(
        query,
      ) ?? [];
    const [, inserted] = /^INSERT INTO `(\w+)` \([^)]+\) FORMAT JSONEachRow$/.exec(query) ?? [];
    const name = `${database}.${created ?? inserted}`;
    if (database !== 'default') exception(response, 404, 81, 'no such database');
    else if (created !== undefined) {
      if (!here.tables.has(name)) here.addTable(name);
      response.end();
    } else if (inserted !== undefined) insert(name, searchParams, body, response);
    else exception(response, 400, 62, 'Syntax error');
  }

  function insert(
    name: string,
    settings: URLSearchParams,
    body: string,
    response: ServerResponse,
  ): void {
    const table = here.tables.get(name);
    if (!table) {
      exception(response, 404, 60, `Table ${name} does not exist`);
      return;
    }
    const rows = body
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
    // As the parser of versions before 24 does: half of a surrogate pair has no UTF-8.
    if (/(?<!\\)(?:\\\\)*\\ud[89a-f]/i.test(body)) {
      exception(response, 400, 26, 'Cannot parse JSON string: incorrect surrogate pair');
      return;
    }
    const token = settings.get('insert_deduplication_token') ?? '';
    if (rows.length > 0 && !table.tokens.has(token)) table.rows.push(...rows);
    table.tokens.add(token);
    response.end();
  }

  await here.start();
  return here;
}
