import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import type { Served } from '../ingest/serve.js';

/** A request to RudderStack's gateway, and its answer. */
export interface GatewayCase {
  readonly id: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly auth?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly bodyGzipOf?: string;
    readonly when?: string;
  };
  readonly response: {
    readonly status: number;
    readonly body?: string;
    readonly bodyBase64?: string;
    readonly contentType: string | null;
    readonly storedType?: string;
    readonly storedProperties?: object;
    readonly headers?: Readonly<Record<string, string>>;
  };
}

const fixture = new URL('../fixtures/rudderstack-gateway.json', import.meta.url);
export const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: GatewayCase[] };

/** Asks what was asked of the gateway, and holds that the answer is the gateway's. */
export async function expectRecorded(
  { ask, store }: Served,
  { request, response }: GatewayCase,
): Promise<void> {
  const body = bodyOf(request);
  const answer = await ask(request.path, {
    method: request.method,
    headers: { ...request.headers, ...authorizationOf(request.auth) },
    ...(body === undefined || request.method === 'GET' ? {} : { body: new Uint8Array(body) }),
  });
  expect(answer.status).toBe(response.status);
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (response.bodyBase64 !== undefined) {
    expect(bytes.toString('base64')).toBe(response.bodyBase64);
  } else {
    expect(bytes.toString()).toBe(response.body);
  }
  expect(answer.headers.get('content-type')).toBe(response.contentType);
  if (response.status >= 400) expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  if (response.storedType !== undefined) {
    expect(store.events[0]).toMatchObject({ type: response.storedType, userId: 'u1' });
  }
  if (response.storedProperties !== undefined) {
    expect(store.events[0]?.['properties']).toEqual(response.storedProperties);
  }
  for (const [name, value] of Object.entries(response.headers ?? {})) {
    expect(answer.headers.get(name), name).toBe(value);
  }
}

const MEGABYTES = 4_096_001;

function bodyOf({ body, bodyGzipOf }: GatewayCase['request']): Buffer | undefined {
  if (bodyGzipOf !== undefined) return gzipSync(bodyGzipOf);
  if (body?.startsWith('<')) {
    const filler = 'x'.repeat(MEGABYTES);
    return Buffer.from(`{"batch":[{"type":"track","userId":"u","filler":"${filler}"}]}`);
  }
  return body === undefined ? undefined : Buffer.from(body);
}

function authorizationOf(auth: string | undefined): Record<string, string> {
  const plain = /^Basic base64\((.*)\)$/.exec(auth ?? '')?.[1];
  if (plain !== undefined) {
    return { authorization: `Basic ${Buffer.from(plain).toString('base64')}` };
  }
  return auth === undefined ? {} : { authorization: auth };
}
