import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { AwsV4Signer } from 'aws4fetch';
import type { SinkOptions } from '../../config/config.js';
import { loadDriver } from '../../core/driver.js';
import { TrackbridgeError } from '../../core/errors.js';
import { createHttpClient, type HttpAnswer, hideable } from '../kit/http-client.js';
import { type BatchRequest, sendInOrder } from '../kit/in-order.js';
import { interrupted, orInterrupted } from '../kit/interrupt.js';
import { belowBase } from '../kit/url-option.js';
import type { DeliveryResult, Sink, SinkContext, SinkType } from '../sink.js';
import { codeIn, s3Failure } from './answer.js';
import { groupByHour, halvesOf, objectOf, type S3Group } from './objects.js';

export type S3Options = SinkOptions['s3'];

const compress = promisify(gzip);

/** Milliseconds that `check` waits for an answer. */
const CHECK_TIMEOUT = 10_000;

/** A signing key is valid for a day; the few that are kept are those of the last days. */
const MOST_SIGNING_KEYS = 4;

export const s3Sink: SinkType<'s3'> = {
  type: 's3',
  create: (options, context) => createS3Sink(options, context),
  // The batch is the open object. Its events wait in the outbox, so filling it uses no attempt's timeout, a stop closes
  // it at once, and a retry has the same events and therefore the same name.
  fill: (options) => {
    return { wait: options.close.age, bytes: options.close.size };
  },
};

/**
 * Stores each batch as gzip NDJSON, one object for every hour in it. Throws CONFIG_INVALID if the driver is missing or
 * `endpoint` is not a URL.
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

  /** Resolves once the object is stored. */
  async function store(group: S3Group, signal: AbortSignal): Promise<void> {
    const { key, content } = await objectOf(group, prefix);
    const body = await orInterrupted(() => compress(content), signal);
    const answer = await send('PUT', key, body, signal, { 'content-type': 'application/gzip' });
    const failure = s3Failure(answer, bucket, clock.now());
    if (failure) throw failure;
  }

  function requestOf(group: S3Group, signal: AbortSignal): BatchRequest {
    return {
      indices: group.events.map(({ index }) => index),
      send: () => store(group, signal),
      ...(group.events.length > 1 && {
        halves() {
          const [first, second] = halvesOf(group);
          return [requestOf(first, signal), requestOf(second, signal)];
        },
      }),
    };
  }

  return {
    open: async () => client.open(),

    async deliver(batch, signal) {
      if (signal.aborted) throw interrupted(signal);
      const results: DeliveryResult[] = new Array(batch.length);
      const groups = await groupByHour(batch);
      await sendInOrder(
        groups.map((group) => requestOf(group, signal)),
        results,
      );
      return results;
    },

    /**
     * Requires only the rights that deliveries need: an object with a wrong checksum is rejected only after the right
     * to write was checked. A store that ignores checksums keeps it, so it is deleted there.
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

/**
 * Returns '' or a prefix with a slash at its end. Throws CONFIG_INVALID for path segments that a URL would not keep.
 */
function prefixOf(text: string): string {
  if (text.split('/').some((step) => step === '.' || step === '..')) {
    throw new TrackbridgeError('CONFIG_INVALID', 'prefix: must not have . or .. as a segment');
  }
  return text === '' || text.endsWith('/') ? text : `${text}/`;
}
