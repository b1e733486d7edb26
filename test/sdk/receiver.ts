import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../src/core/json.js';
import { eventually, makeDirectory, readLines, startReceiver } from '../support/receiver.js';

/** The built program, taking what SDKs send, with a file as its sink. */
export interface SdkReceiver {
  readonly url: string;
  /**
   * The events of a source once they are these; throws where one is missing, doubled or not among them. They have
   * `within` milliseconds to come.
   */
  exactly(source: string, messageIds: readonly string[], within?: number): Promise<JsonObject[]>;
  /** Ends the program by this signal and starts it again on the same data, at another address. */
  restart(signal: NodeJS.Signals): Promise<void>;
  close(): Promise<void>;
}

/** The key of the source of this name. */
export function keyOf(source: string): string {
  return `the-write-key-of-${source}`;
}

/** A `tracking-api` that takes the keys of these sources. */
export function trackingApi(dialect: string, names: readonly string[], more: object = {}): object {
  const writeKeys = Object.fromEntries(names.map((name) => [keyOf(name), name]));
  return { type: 'tracking-api', dialect, writeKeys, ...more };
}

export async function sdkReceiver(sources: object): Promise<SdkReceiver> {
  const directory = await makeDirectory();
  const config = {
    server: { port: 0 },
    admin: { port: 0 },
    outbox: { path: './data/outbox.db' },
    sources,
    sinks: { archive: { type: 'file', path: './data/events.ndjson', batch: { wait: '1ms' } } },
  };
  let receiver = await startReceiver({ directory, config });
  let isKilled = false;
  const eventsOf = async (source: string): Promise<JsonObject[]> => {
    const lines = await readLines(join(directory, 'data/events.ndjson'));
    const all = lines.map((line): JsonObject => JSON.parse(line));
    const own = all.filter(({ receipt }) => Object(receipt).source === source);
    if (!isKilled) return own;
    // A killed program may send on again what it had sent on; what is in its outbox twice came in two deliveries.
    return [...new Map(own.map((event) => [JSON.stringify(event), event])).values()];
  };
  return {
    get url() {
      return receiver.url;
    },
    async exactly(source, messageIds, within) {
      await eventually(
        async () => (await eventsOf(source)).length,
        (count) => count >= messageIds.length,
        within,
      );
      // Nothing is on its way any more that could still be one too many.
      await eventually(
        async () => (await fetch(`${receiver.adminUrl}/metrics`)).text(),
        (text) => /^trackbridge_pending_events(?:\{.*\})? 0$/m.test(text),
      );
      const found = await eventsOf(source);
      const ids = found.map(({ messageId }) => String(messageId));
      const missing = messageIds.filter((id) => !ids.includes(id));
      const doubled = ids.filter((id, index) => ids.indexOf(id) !== index);
      const strange = ids.filter((id) => !messageIds.includes(id));
      if (missing.length + doubled.length + strange.length > 0) {
        throw new Error(JSON.stringify({ missing, doubled, strange }));
      }
      return found;
    },
    async restart(signal) {
      isKilled ||= signal === 'SIGKILL';
      await receiver.end(signal);
      receiver = await startReceiver({ directory, config });
    },
    async close() {
      await receiver.end('SIGKILL');
      await rm(directory, { recursive: true });
    },
  };
}
