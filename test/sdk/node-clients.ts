import RudderAnalytics from '@rudderstack/rudder-sdk-node';
import { Analytics } from '@segment/analytics-node';
import LegacyAnalytics from 'analytics-node';
import { Analytics as Analytics2 } from 'analytics-node-2';
import type { Call } from './calls.js';

interface ClientOptions {
  readonly writeKey: string;
  /** Events a request. */
  readonly flushAt: number;
  /** The SDK's own default where left out. */
  readonly retries?: number;
}

/** A real SDK, sending to one address. */
interface NodeClient {
  /** Resolves when the SDK says that it was delivered, and rejects when it says that it has dropped it. */
  send(call: Call): Promise<void>;
}

export interface NodeSdk {
  /** Also the name of its source. */
  readonly name: string;
  readonly vendor: 'segment' | 'rudderstack';
  /** The name and the major version that it writes into `context.library`. */
  readonly library: { readonly name: string; readonly version: RegExp };
  /** What else it writes beside what it was given. */
  readonly own: object;
  open(host: string, options: ClientOptions): NodeClient;
}

/** What all of them have, whatever their types say. */
type Methods = Readonly<
  Record<Call['type'], (message: object, done: (error?: unknown) => void) => unknown>
>;

/** Milliseconds; the default of ten seconds is for production. */
const FLUSH_INTERVAL = 20;

function clientOf(sdk: unknown): NodeClient {
  const methods = sdk as Methods;
  return {
    send: ({ type, message }) =>
      new Promise((resolve, reject) => {
        methods[type](message, (error) => (error ? reject(error) : resolve()));
      }),
  };
}

/** Where an SDK tells the callback what went wrong, it also throws it in a flush of its own, which nobody could catch. */
const errorHandler = (): void => {};

const nodeVersion = process.versions.node;

function rudder(name: string, gzip: boolean): NodeSdk {
  return {
    name,
    vendor: 'rudderstack',
    // It calls itself what Segment's is called.
    library: { name: 'analytics-node', version: /^3\./ },
    own: { channel: 'server', _metadata: { nodeVersion } },
    open(dataPlaneUrl, { writeKey, flushAt, retries }) {
      const retryCount = retries === undefined ? {} : { retryCount: retries };
      const usual = { dataPlaneUrl, flushAt, flushInterval: FLUSH_INTERVAL, gzip };
      const options = { ...usual, ...retryCount, errorHandler, logLevel: 'none' };
      return clientOf(new RudderAnalytics(writeKey, options));
    },
  };
}

function segment(major: 2 | 3, Sdk: typeof Analytics | typeof Analytics2): NodeSdk {
  return {
    name: `segment-analytics-node-${major}`,
    vendor: 'segment',
    library: { name: '@segment/analytics-node', version: new RegExp(`^${major}\\.`) },
    own: { _metadata: { nodeVersion: `v${nodeVersion}`, jsRuntime: 'node' } },
    open(host, { writeKey, flushAt, retries }) {
      const maxRetries = retries === undefined ? {} : { maxRetries: retries };
      const usual = { writeKey, host, flushAt, flushInterval: FLUSH_INTERVAL };
      return clientOf(new Sdk({ ...usual, ...maxRetries }));
    },
  };
}

const legacy: NodeSdk = {
  name: 'analytics-node-6',
  vendor: 'segment',
  library: { name: 'analytics-node', version: /^6\./ },
  own: { _metadata: { nodeVersion } },
  open(host, { writeKey, flushAt, retries }) {
    const retryCount = retries === undefined ? {} : { retryCount: retries };
    const usual = { host, flushAt, flushInterval: FLUSH_INTERVAL, errorHandler };
    return clientOf(new LegacyAnalytics(writeKey, { ...usual, ...retryCount }));
  },
};

export const NODE_SDKS: readonly NodeSdk[] = [
  segment(3, Analytics),
  segment(2, Analytics2),
  legacy,
  rudder('rudder-sdk-node-3-gzip', true),
  rudder('rudder-sdk-node-3-plain', false),
];
