import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireServer } from '../../support/servers.js';
import { startTlsFront, type TlsFront } from '../../support/tls-front.js';
import { sinkEvent } from '../events.js';
import { makeSink, never, openBroker, PORT } from './setup.js';

const there = await requireServer('RabbitMQ', PORT);

describe.runIf(there)('rabbitmq: over TLS', () => {
  let front: TlsFront;
  let url: string;
  beforeAll(async () => {
    front = await startTlsFront(PORT, 'rabbitmq.test');
    url = `amqps://127.0.0.1:${front.port}`;
  });
  afterAll(async () => {
    await front.close();
  });

  it('delivers where the certificate holds', async () => {
    const broker = await openBroker();
    await broker.createQueue();
    const { ca } = front;
    const sink = makeSink({ url, queue: broker.queue, ssl: { ca, servername: 'rabbitmq.test' } });
    await sink.check();
    await sink.open();
    expect(await sink.deliver([sinkEvent('a')], never())).toEqual([{ ok: true }]);
    expect(await broker.count()).toBe(1);
    await sink.close();
    await broker.dispose();
  });

  it.each([
    ['of an unknown authority', () => ({}), 'self-signed certificate'],
    ['for another name', () => ({ ssl: { ca: front.ca } }), 'does not match certificate'],
  ])('sends nothing to a certificate %s', async (_, options, problem) => {
    const sink = makeSink({ url, queue: 'q', ...options() });
    await expect(sink.check()).rejects.toThrow(problem);
    await sink.close();
  });
});
