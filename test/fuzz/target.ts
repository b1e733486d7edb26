import { createHmac } from 'node:crypto';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { sign } from '../support/sender.js';

/** The secret of the recorded Segment requests, so that they hold here too. */
export const SECRET = 'trackbridge-shared-secret';
export const TOKEN = 'the-token-of-the-fuzzer';
export const BUDGET = 2_000;

/** A path, and the headers that authenticate a body there. */
export interface Door {
  readonly path: string;
  readonly takesQueries: boolean;
  headersFor(body: Buffer): readonly (readonly [string, string])[];
}

const KEY = Buffer.from(`${SECRET}:`).toString('base64');
const BASIC = Buffer.from(`fuzz:${SECRET}`).toString('base64');

/** Those that answer in a vendor's words, which do not say how many events were taken. */
export const DIALECTS = ['sdk', 'sdk-strict', 'gateway'];
const EVENT_PATHS = ['v1/track', 'v1/batch'];
const PIXEL_PATHS = ['pixel/v1/track'];

const keyed = (path: string, takesQueries: boolean): Door => ({
  path,
  takesQueries,
  headersFor: () => [['Authorization', `Basic ${KEY}`]],
});

export const DOORS: readonly Door[] = [
  { path: '/open', takesQueries: false, headersFor: () => [] },
  { path: '/open-rs', takesQueries: true, headersFor: () => [] },
  { path: '/untyped', takesQueries: false, headersFor: () => [] },
  {
    path: '/segment',
    takesQueries: false,
    headersFor: (body) => [['X-Signature', sign(body, SECRET)]],
  },
  { path: '/rudderstack', takesQueries: true, headersFor: () => [['X-Signature', SECRET]] },
  { path: '/key', takesQueries: false, headersFor: () => [['Authorization', `Basic ${KEY}`]] },
  { path: '/basic', takesQueries: false, headersFor: () => [['Authorization', `Basic ${BASIC}`]] },
  {
    path: '/hmac',
    takesQueries: false,
    headersFor: (body) => [['X-Hmac', createHmac('sha256', SECRET).update(body).digest('base64')]],
  },
  ...DIALECTS.flatMap((name) => [
    ...EVENT_PATHS.map((below) => keyed(`/${name}/${below}`, false)),
    ...PIXEL_PATHS.map((below) => keyed(`/${name}/${below}`, true)),
  ]),
];

const none = { scheme: 'none' };
const source = (type: string, path: string, verify: object, more: object = {}): object => ({
  type,
  path,
  verify,
  ...more,
});

/** The built program with every scheme, both kinds of source, and limits low enough to be reached often. */
export async function startTarget(): Promise<Receiver> {
  return await startReceiver({
    // So much heap is all there is: what leaks ends the program, and what is garbage is collected.
    env: { NODE_OPTIONS: '--max-old-space-size=128' },
    config: {
      server: { port: 0, budget: `${BUDGET}ms`, bodyLimit: '256kb', queryLimit: '32kb' },
      admin: { port: 0, token: TOKEN },
      sources: {
        sdk: { type: 'tracking-api', path: '/sdk', writeKeys: [SECRET] },
        'sdk-strict': {
          type: 'tracking-api',
          path: '/sdk-strict',
          writeKeys: [SECRET],
          strict: true,
        },
        gateway: {
          type: 'tracking-api',
          path: '/gateway',
          writeKeys: [SECRET],
          dialect: 'rudderstack',
        },
        open: source('segment', '/open', none, { cors: { origins: ['*'] } }),
        'open-rs': source('rudderstack', '/open-rs', none, { query: { types: 'infer' } }),
        untyped: source('segment', '/untyped', none, { untyped: { as: 'track', event: 'Row' } }),
        segment: source('segment', '/segment', { scheme: 'segment-signature', secrets: [SECRET] }),
        rudderstack: source('rudderstack', '/rudderstack', {
          scheme: 'shared-secret',
          secrets: [SECRET],
        }),
        key: source('segment', '/key', { scheme: 'write-key', secrets: [SECRET] }),
        basic: source('segment', '/basic', { scheme: 'basic', secrets: [`fuzz:${SECRET}`] }),
        hmac: source('segment', '/hmac', {
          scheme: 'hmac',
          header: 'x-hmac',
          algorithm: 'sha256',
          encoding: 'base64',
          secrets: [SECRET],
        }),
        token: source('segment', '/token', { scheme: 'jwt', key: SECRET, algorithms: ['HS256'] }),
        kept: source(
          'rudderstack',
          '/kept',
          { scheme: 'shared-secret', secrets: [SECRET] },
          { onUnauthenticated: 'quarantine' },
        ),
      },
      sinks: {
        archive: { type: 'file', path: './events.ndjson', batch: { size: 500, wait: '5ms' } },
        terminal: { type: 'stdout', format: 'pretty', batch: { size: 500, wait: '5ms' } },
      },
    },
  });
}
