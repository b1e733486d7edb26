import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../support/collector.js';
import { freePort } from '../support/free-port.js';
import { eventually, type Receiver, readEvents, startReceiver } from '../support/receiver.js';
import { trackText } from '../support/sender.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const SAMPLED = `00-${TRACE}-${PARENT}-01`;

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

async function collector(port?: number): Promise<Collector> {
  const started = await startCollector(port);
  cleanup.push(() => started.close());
  return started;
}

/** A destination that keeps the headers of every request. It answers 503 until it is up. */
async function destination(isUp = true) {
  const requests: IncomingHttpHeaders[] = [];
  const state = { isUp };
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      requests.push(request.headers);
      response.writeHead(state.isUp ? 200 : 503).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.push(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, requests, state };
}

interface Setup {
  readonly traces: object;
  readonly sinks?: object;
  readonly server?: object;
  readonly directory?: string;
  readonly env?: Readonly<Record<string, string>>;
}

async function receiver({ directory, env, server, sinks, traces }: Setup): Promise<Receiver> {
  const started = await startReceiver({
    config: {
      server: { port: 0, ...server },
      admin: { port: 0 },
      sources: {
        in: { type: 'segment', path: '/in', verify: { scheme: 'none' } },
        keyed: {
          type: 'segment',
          path: '/keyed',
          verify: { scheme: 'shared-secret', secrets: ['a-secret-of-some-length'] },
        },
      },
      sinks: sinks ?? { archive: { type: 'file', path: './events.ndjson' } },
      telemetry: { traces },
    },
    ...(directory !== undefined && { directory }),
    ...(env !== undefined && { env }),
  });
  cleanup.push(() => started.end('SIGKILL'));
  return started;
}

async function send(
  to: Receiver,
  body: string,
  headers: Readonly<Record<string, string>> = {},
  path = '/in',
): Promise<number> {
  const options = { method: 'POST', body, headers };
  return (await fetch(`${to.url}${path}`, options)).status;
}

const hook = (url: string, more: object = {}): object => ({
  hook: { type: 'http', url, allowPrivateAddresses: true, ...more },
});

async function metric(of: Receiver, outcome: string): Promise<number> {
  const text = await (await fetch(`${of.adminUrl}/metrics`)).text();
  const line = new RegExp(`^trackbridge_spans_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm');
  return Number(line.exec(text)?.[1]);
}

describe('traces', () => {
  it('lead from the traceparent of a delivery to the traceparent that the sink sends', async () => {
    const [to, hooked] = [await collector(), await destination()];
    const from = await receiver({
      traces: { endpoint: to.url, headers: { authorization: 'Bearer for-the-collector' } },
      sinks: hook(hooked.url),
      env: { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test' },
    });
    const headers = { traceparent: SAMPLED, tracestate: 'vendor=one,other=two' };
    expect(await send(from, trackText('m-1'), headers)).toBe(200);
    const [delivery] = await to.named('POST /in');
    const [attempt] = await to.named('send hook');
    expect(delivery).toMatchObject({
      traceId: TRACE,
      parentSpanId: PARENT,
      traceState: headers.tracestate,
      kind: 2,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/in',
        'http.response.status_code': 200,
        'trackbridge.source': 'in',
        'trackbridge.outcome': 'accepted',
        'trackbridge.events.accepted': 1,
      },
    });
    for (const name of ['verify', 'decode', 'append']) {
      const [step] = await to.named(name);
      expect(step).toMatchObject({ traceId: TRACE, parentSpanId: delivery?.spanId });
    }
    expect(attempt).toMatchObject({
      traceId: TRACE,
      parentSpanId: delivery?.spanId,
      links: [{ traceId: TRACE, spanId: delivery?.spanId }],
      attributes: { 'trackbridge.sink': 'hook', 'trackbridge.events.delivered': 1 },
    });
    expect(hooked.requests).toMatchObject([
      { traceparent: `00-${TRACE}-${attempt?.spanId}-01`, tracestate: headers.tracestate },
    ]);
    expect(to.requests[0]).toMatchObject({
      path: '/v1/traces',
      headers: { authorization: 'Bearer for-the-collector' },
    });
    expect(to.resource()).toMatchObject({
      'service.name': 'trackbridge',
      'deployment.environment.name': 'test',
    });
    expect(await metric(from, 'exported')).toBeGreaterThanOrEqual(5);
    expect(from.stderr()).not.toContain('for-the-collector');
  });

  it('survive a restart: the attempt of the next process belongs to the trace of the delivery', async () => {
    const [to, hooked] = [await collector(), await destination(false)];
    const traces = { endpoint: to.url };
    const sinks = hook(hooked.url, { retry: { initial: '50ms', max: '100ms' } });
    const first = await receiver({ traces, sinks });
    expect(await send(first, trackText('m-1'), { traceparent: SAMPLED })).toBe(200);
    const [failed] = await to.named('send hook');
    expect(failed).toMatchObject({
      status: { code: 2 },
      attributes: { 'error.type': 'transient' },
    });
    await first.end('SIGKILL');
    const { length } = to.spans;
    hooked.state.isUp = true;
    await receiver({ traces, sinks, directory: first.directory });
    const delivered = await eventually(
      () => to.spans.slice(length).find(({ status }) => status.code !== 2),
      (span) => span !== undefined,
    );
    expect(delivered).toMatchObject({ name: 'send hook', traceId: TRACE });
  });

  it('link an attempt at the events of several deliveries to each of them, in a trace of its own', async () => {
    const [to, hooked] = [await collector(), await destination()];
    const from = await receiver({
      traces: { endpoint: to.url },
      sinks: hook(hooked.url, { body: 'batch', batch: { size: 2, wait: '60s' }, lanes: 1 }),
    });
    for (const id of ['m-1', 'm-2']) await send(from, trackText(id));
    const deliveries = await to.named('POST /in', 2);
    const [attempt] = await to.named('send hook');
    expect(new Set(attempt?.links.map(({ spanId }) => spanId))).toEqual(
      new Set(deliveries.map(({ spanId }) => spanId)),
    );
    expect(deliveries.map(({ traceId }) => traceId)).not.toContain(attempt?.traceId);
    expect(attempt?.attributes['messaging.batch.message_count']).toBe(2);
    expect(hooked.requests).toMatchObject([
      { traceparent: `00-${attempt?.traceId}-${attempt?.spanId}-01` },
    ]);
  });

  it('of rejected deliveries name the code, end in the step that failed, and are no error of the server', async () => {
    const to = await collector();
    const from = await receiver({ traces: { endpoint: to.url } });
    expect(await send(from, trackText('m-1'), {}, '/keyed')).toBe(401);
    expect(await send(from, '{')).toBe(400);
    const [keyed] = await to.named('POST /keyed');
    expect(keyed).toMatchObject({
      status: {},
      attributes: { 'http.response.status_code': 401, 'error.type': 'UNAUTHENTICATED' },
    });
    expect(keyed?.status.code).not.toBe(2);
    const [verify] = (await to.named('verify')).filter(
      ({ parentSpanId }) => parentSpanId === keyed?.spanId,
    );
    expect(verify).toMatchObject({ status: { code: 2 } });
    const [decode] = await to.named('decode');
    expect(decode).toMatchObject({ status: { code: 2 } });
    expect(to.spans.some(({ name }) => name === 'append')).toBe(false);
  });

  it('with sample 0 follow the flag of the sender, whose trace the events keep', async () => {
    const to = await collector();
    const from = await receiver({ traces: { endpoint: to.url, sample: 0 } });
    expect(await send(from, trackText('m-1'))).toBe(200);
    expect(await send(from, trackText('m-2'), { traceparent: SAMPLED.replace(/1$/, '0') })).toBe(
      200,
    );
    expect(await send(from, trackText('m-3'), { traceparent: SAMPLED })).toBe(200);
    await to.named('send archive');
    expect(await from.end()).toBe(0);
    expect(to.spans.filter(({ name }) => name === 'POST /in')).toHaveLength(1);
    const events = await readEvents(join(from.directory, 'events.ndjson'));
    const traceparents = events.map(
      ({ receipt }) => (receipt as { traceparent: string }).traceparent,
    );
    expect(traceparents[0]).toMatch(/-00$/);
    expect(traceparents[1]).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
    expect(traceparents[2]).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  });

  it('are exported at the end of the process', async () => {
    const to = await collector();
    const from = await receiver({ traces: { endpoint: to.url } });
    expect(await send(from, trackText('m-1'))).toBe(200);
    expect(await from.end()).toBe(0);
    expect(to.spans.map(({ name }) => name)).toContain('POST /in');
  });

  it('cost neither events nor the end of the process while the collector is down, and one line says so', async () => {
    const port = await freePort();
    const from = await receiver({ traces: { endpoint: `http://127.0.0.1:${port}` } });
    for (let at = 0; at < 5; at += 1) expect(await send(from, trackText(`m-${at}`))).toBe(200);
    await eventually(
      () => metric(from, 'failed'),
      (failed) => failed > 0,
    );
    const to = await collector(port);
    await eventually(
      async () => {
        await send(from, trackText('again'));
        return from.stderr();
      },
      (text) => text.includes('the collector accepts spans again'),
    );
    await to.named('POST /in');
    expect(from.stderr().match(/the collector does not accept spans/g)).toHaveLength(1);
    await to.close();
    expect(await from.end()).toBe(0);
    const events = await readEvents(join(from.directory, 'events.ndjson'));
    expect(events.length).toBeGreaterThanOrEqual(6);
  });

  it('come from the workers and, for attempts, from the process that owns the sinks', async () => {
    const to = await collector();
    const from = await receiver({ traces: { endpoint: to.url }, server: { workers: 2 } });
    expect(await send(from, trackText('m-1'), { traceparent: SAMPLED })).toBe(200);
    const [delivery] = await to.named('POST /in');
    const [attempt] = await to.named('send archive');
    expect(attempt).toMatchObject({ traceId: TRACE, parentSpanId: delivery?.spanId });
    expect(to.spans.filter(({ name }) => name === 'POST /in')).toHaveLength(1);
    await eventually(
      () => metric(from, 'exported'),
      (exported) => exported === to.spans.length,
    );
    expect(await from.end()).toBe(0);
  });
});
