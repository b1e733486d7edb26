import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { AwsV4Signer } from 'aws4fetch';
import { TrackbridgeError } from '../errors.js';
import { loadDriver } from './driver.js';
import { belowBase } from './http-base.js';
import { createHttpClient, type HttpAnswer, hideable } from './http-client.js';
import { interrupted, orInterrupted } from './interrupt.js';
import { codeIn, s3Failure } from './s3-answer.js';
import { groupByHour, halvesOf, objectOf, type S3Group } from './s3-objects.js';
import {
  DELIVERED,
  type DeliveryResult,
  failureOf,
  resultOf,
  type Sink,
  type SinkContext,
  type SinkType,
} from './sink.js';

export interface S3Options {
  /** Base URL of the store; Amazon's of the region where absent. */
  readonly endpoint?: string;
  readonly region: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Bytes of NDJSON, and milliseconds. */
  readonly close: { readonly size: number; readonly age: number };
}

const compress = promisify(gzip);

/** Milliseconds that `check` waits for an answer. */
const CHECK_TIMEOUT = 10_000;

/** Signing keys hold for a day; the few that are kept are the last days'. */
const MOST_SIGNING_KEYS = 4;

export const s3Sink: SinkType = {
  type: 's3',
  // The shape is what schemas/sinks/s3.schema.json let through.
  create: (options, context) => createS3Sink(options as unknown as S3Options, context),
  // The batch is the open object: its events wait in the outbox, so it costs no attempt's timeout, a stop closes it at
  // once, and a retry has the same events and therefore the same name.
  fill: (options) => {
    const { close } = options as unknown as S3Options;
    return { wait: close.age, bytes: close.size };
  },
};

/**
 * Stores each batch as gzip NDJSON, one object for every hour in it. Throws CONFIG_INVALID where the driver is missing or
 * `endpoint` is no URL.
 */
export async function createS3Sink(options: S3Options, context: SinkContext): Promise<Sink> {
  const { accessKeyId, secretAccessKey, bucket, region } = options;
  const { clock } = context;
  const driver = await loadDriver('aws4fetch', () => import('aws4fetch'), 's3');
  const endpoint = options.endpoint ?? `https://s3.${region}.amazonaws.com`;
  const base = belowBase(endpoint, `/${bucket}`, 'endpoint');
  const prefix = prefixOf(options.prefix);
  const secrets = hideable([secretAccessKey, accessKeyId]);
  const client = createHttpClient(base, { allowPrivateAddresses: true, secrets, clock });
  const cache = new Map<string, ArrayBuffer>();

  async function signed(
    method: 'PUT' | 'DELETE',
    url: URL,
    headers: Readonly<Record<string, string>>,
  ): Promise<Record<string, string>> {
    if (cache.size > MOST_SIGNING_KEYS) cache.clear();
    const datetime = new Date(clock.now()).toISOString().replace(/[:-]|\.\d{3}/g, '');
    const signer: AwsV4Signer = new driver.AwsV4Signer({
      ...{ method, url: url.href, headers, accessKeyId, secretAccessKey, region, cache, datetime },
      service: 's3',
    });
    return Object.fromEntries((await signer.sign()).headers.entries());
  }

  async function send(
    method: 'PUT' | 'DELETE',
    key: string,
    body: Buffer,
    signal: AbortSignal,
    more: Readonly<Record<string, string>> = {},
  ): Promise<HttpAnswer> {
    const url = new URL(`${base.href}/${key}`);
    const digest = createHash('sha256').update(body).digest('hex');
    const headers = await signed(method, url, { ...more, 'x-amz-content-sha256': digest });
    return await client.send({ method, path: url.pathname, headers, body }, signal);
  }

  /** Resolves once the store has it. */
  async function store(group: S3Group, signal: AbortSignal): Promise<void> {
    const { key, content } = await objectOf(group, prefix);
    const body = await orInterrupted(() => compress(content), signal);
    const answer = await send('PUT', key, body, signal, { 'content-type': 'application/gzip' });
    const failure = s3Failure(answer, bucket, clock.now());
    if (failure) throw failure;
  }

  return {
    open: async () => client.open(),

    async deliver(batch, signal) {
      if (signal.aborted) throw interrupted(signal);
      const results: DeliveryResult[] = new Array(batch.length);
      const queue = await groupByHour(batch);
      for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
        const error = await failureOf(store(group, signal));
        if (error && !error.retryable && group.events.length > 1) {
          queue.unshift(...halvesOf(group));
          continue;
        }
        // What follows may belong to the same users, and must not get ahead.
        const all = error?.retryable ? [group, ...queue.splice(0)] : [group];
        for (const { index } of all.flatMap(({ events }) => events)) {
          results[index] = error ? resultOf(error) : DELIVERED;
        }
      }
      return results;
    },

    /**
     * Asks for what deliveries need, and nothing else: an object whose checksum is wrong is refused only after the right to
     * write it was found. A store that does not look at checksums keeps it, so it is deleted there.
     */
    async check() {
      client.open();
      const late = new AbortController();
      const ended = new AbortController();
      void clock.sleep(CHECK_TIMEOUT, ended.signal).then(() => {
        late.abort(new DOMException('No answer', 'TimeoutError'));
      });
      try {
        const key = `${prefix}trackbridge-check`;
        const wrong = createHash('md5').update('another content').digest('base64');
        const nothing = Buffer.alloc(0);
        const probe = await send('PUT', key, nothing, late.signal, { 'content-md5': wrong });
        const failure = s3Failure(probe, bucket, clock.now());
        if (!failure) await send('DELETE', key, nothing, late.signal);
        else if (codeIn(probe) !== 'BadDigest') throw failure;
      } finally {
        ended.abort();
      }
    },

    close: () => client.close(),
  };
}

/** Empty, or with a slash at its end. Throws CONFIG_INVALID for steps that a URL would not keep. */
function prefixOf(text: string): string {
  if (text.split('/').some((step) => step === '.' || step === '..')) {
    throw new TrackbridgeError('CONFIG_INVALID', 'prefix: must not hold . or .. as a step');
  }
  return text === '' || text.endsWith('/') ? text : `${text}/`;
}
