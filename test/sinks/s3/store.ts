import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import S3rver from 's3rver';
import { isSigned } from './signature.js';

/** What s3rver takes. */
export const KEYS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' } as const;
export const BUCKET = 'events';

/** s3rver on a port of its own, and in front of it a door that can be shut. */
export interface S3Store {
  /** Of the door: where a sink sends to. */
  readonly port: number;
  /** What came through the door, `PUT /events/...`, oldest first. */
  readonly requests: string[];
  /** What to do with a request instead of passing it on; undefined from the handler passes it on after all. */
  door:
    | ((method: string, url: string, response: ServerResponse, body: Buffer) => boolean)
    | undefined;
  /** Names of all objects in the bucket. */
  keys(): Promise<string[]>;
  /** The lines of all objects, in the order in which the objects were stored first. */
  events(): Promise<unknown[]>;
  /** The process behind the door goes away, with its connections; what it has stored stays. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

export async function s3Store(): Promise<S3Store> {
  const directory = await mkdtemp(join(tmpdir(), 'trackbridge-s3-'));
  let behind: S3rver | undefined;
  let port = 0;
  const stored = new Set<string>();

  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => pass(incoming, Buffer.concat(chunks), response));
  });

  function pass(incoming: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const { method = '', url = '', headers } = incoming;
    store.requests.push(`${method} ${url}`);
    if (store.door?.(method, url, response, body)) return;
    if (!isSigned(incoming, body, KEYS.secretAccessKey)) {
      refuse(response, 403, 'SignatureDoesNotMatch');
      return;
    }
    const key = decodeURIComponent(url).slice(`/${BUCKET}/`.length);
    // With its own Host, since that is signed.
    const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      // Not before: s3rver's file is there while it is written, and stays torn where that was cut short.
      if (method === 'PUT' && answer.statusCode === 200) stored.add(key);
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    onward.end(body);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const store: S3Store = {
    port: (server.address() as AddressInfo).port,
    requests: [],
    door: undefined,
    async keys() {
      const names = await readdir(join(directory, BUCKET), { recursive: true });
      const suffix = '._S3rver_object';
      return names
        .filter((name) => name.endsWith(suffix))
        .map((name) => name.slice(0, -suffix.length))
        .sort();
    },
    async events() {
      const there = new Set(await store.keys());
      const lines: unknown[] = [];
      for (const key of [...stored].filter((each) => there.has(each))) {
        const path = join(directory, BUCKET, `${key}._S3rver_object`);
        const text = gunzipSync(await readFile(path)).toString();
        lines.push(
          ...text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line)),
        );
      }
      return lines;
    },
    async stop() {
      const ended = behind;
      behind = undefined;
      ended?.httpServer.closeAllConnections();
      await ended?.close();
    },
    async start() {
      const next = new S3rver({
        address: '127.0.0.1',
        port,
        silent: true,
        directory,
        vhostBuckets: false,
        configureBuckets: [{ name: BUCKET }],
      });
      await next.run();
      port = (next.httpServer.address() as AddressInfo).port;
      behind = next;
    },
    async close() {
      await store.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
  await store.start();
  return store;
}

/** The XML that S3 says what is wrong with. */
export function refuse(response: ServerResponse, status: number, code: string, more = ''): true {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(
    `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>${more}</Message></Error>`,
  );
  return true;
}
