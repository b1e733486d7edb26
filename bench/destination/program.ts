// The far side of an `http` sink: counts events and keeps nothing. `GET /` answers with the count so far.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Every canonical event has this once. Counted instead of parsed, because this process shares the machine. */
const MARK = Buffer.from('"receipt":');
let events = 0;

const count = (body: Buffer): void => {
  for (let at = body.indexOf(MARK); at !== -1; at = body.indexOf(MARK, at + 1)) events++;
};

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    count(Buffer.concat(chunks));
    const answer = request.method === 'GET' ? String(events) : '';
    response.writeHead(200, { 'content-length': answer.length });
    response.end(answer);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`);
});
