// What somebody would write by hand for the same job, and as fast as it can be on `node:http`: read, HMAC-SHA1,
// JSON.parse, ajv, SQLite with full durability, one transaction for all requests that came in meanwhile.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { SECRET } from '../../secret.js';
import { parseQuery } from './query.js';
import { isSigned } from './signature.js';
import { openStore } from './store.js';
import { createValidate, receiptOf } from './validate.js';

type Event = Record<string, unknown>;

const [files = '0', signing = 'signed'] = process.argv.slice(2);
const store = openStore('bare.db', Number(files));
const validate = createValidate();
const isVerified = (bytes: Buffer | string, { headers }: IncomingMessage): boolean =>
  signing !== 'signed' || isSigned(bytes, headers['x-signature']);

/** Adds what every stored event has. Returns whether anything was missing. */
const complete = (event: Event): boolean => {
  if (event['context'] !== undefined && event['timestamp'] !== undefined) return false;
  const now = new Date().toISOString();
  event['context'] ??= {};
  event['integrations'] ??= {};
  event['timestamp'] ??= now;
  event['receivedAt'] ??= now;
  return true;
};

const isValid = (event: Event): boolean => {
  event['receipt'] = receiptOf(event['messageId']);
  return validate(event);
};

/** The events of a query to store, or the status of a refusal. */
const readQuery = ({ headers, url = '' }: IncomingMessage): readonly string[] | number => {
  if (headers['x-signature'] !== SECRET) return 401;
  const properties = parseQuery(url.slice(url.indexOf('?') + 1));
  const event: Event = { type: 'track', messageId: randomUUID(), properties };
  complete(event);
  return isValid(event) ? [JSON.stringify(event)] : 422;
};

/** The events of a body to store, or the status of a refusal. */
const readBody = (request: IncomingMessage, received: Buffer): readonly string[] | number => {
  const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(received) : received;
  const isBatch = body[0] === 0x5b;
  if (!isBatch && !isVerified(body, request)) return 401;
  const text = body.toString();
  const parsed = JSON.parse(text) as Event | Event[];
  if (!Array.isArray(parsed)) {
    const stored = complete(parsed) ? JSON.stringify(parsed) : text;
    return isValid(parsed) ? [stored] : 422;
  }
  // Segment signs the first element of a batch.
  if (!isVerified(JSON.stringify(parsed[0]), request)) return 401;
  const texts = parsed.map((event) => {
    complete(event);
    return JSON.stringify(event);
  });
  return parsed.every(isValid) ? texts : 422;
};

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  const finish = (): void => {
    const [first] = chunks;
    const body = chunks.length === 1 && first ? first : Buffer.concat(chunks);
    const read = request.method === 'GET' ? readQuery(request) : readBody(request, body);
    if (typeof read === 'number') {
      response.writeHead(read, { 'content-length': 0 });
      response.end();
      return;
    }
    store.append(read, () => {
      const answer = `{"status":"accepted","accepted":${read.length},"duplicates":0,"quarantined":0}`;
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': answer.length,
      });
      response.end(answer);
    });
  };
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', finish);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`);
});
