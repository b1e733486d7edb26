// A webhook handler written the usual way: Express with its JSON parser, the signature over the raw body, and one INSERT
// a request. It waits for the disk in each of them, which is the durable choice; it checks no schema.
import type { AddressInfo } from 'node:net';
import express, { type Request } from 'express';
import { isSigned } from './signature.js';
import { openDatabase } from './store.js';

const { insert } = openDatabase('express.db');
const bodies = new WeakMap<object, Buffer>();
const app = express();
app.use(express.json({ verify: (request, _response, body) => void bodies.set(request, body) }));
app.post('/segment', (request: Request, response) => {
  const body = bodies.get(request) ?? '';
  if (!isSigned(body, request.get('x-signature'))) {
    response.status(401).json({ status: 'unauthenticated' });
    return;
  }
  insert(JSON.stringify(request.body));
  response.json({ status: 'accepted', accepted: 1 });
});
const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`);
});
