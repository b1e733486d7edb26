// Fastify with the work and the store of the bare server: the same signature, schemas, SQLite and group commit.
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { isSigned } from './signature.js';
import { openStore } from './store.js';
import { createValidate, receiptOf } from './validate.js';

const store = openStore('fastify.db');
const validate = createValidate();
const app = fastify({ logger: false });
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
  done(null, body),
);
app.post<{ Body: Buffer }>('/segment', async ({ body, headers }, reply) => {
  if (!isSigned(body, headers['x-signature'])) {
    return reply.code(401).send({ status: 'unauthenticated' });
  }
  const text = body.toString();
  const event = JSON.parse(text) as Record<string, unknown>;
  event['receipt'] = receiptOf(event['messageId']);
  if (!validate(event)) return reply.code(422).send({ status: 'invalid' });
  await new Promise<void>((stored) => store.append([text], stored));
  return { status: 'accepted', accepted: 1, duplicates: 0, quarantined: 0 };
});
await app.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`listening ${(app.server.address() as AddressInfo).port}\n`);
