import { join } from 'node:path';
import { countLines, countReceived, startDestination } from '../destination/destination.js';
import type { Kind } from './kind.js';

export const none: Kind = {
  name: 'no sink',
  open: async () => ({ sinks: {}, count: async () => 0, close: async () => undefined }),
};

export const file: Kind = {
  name: 'file',
  open: async () => ({
    sinks: { archive: { type: 'file', path: './events.ndjson' } },
    count: (directory) => countLines(join(directory, 'events.ndjson')),
    close: async () => undefined,
  }),
};

export const http = (name: string, body: 'event' | 'array'): Kind => ({
  name,
  async open() {
    const destination = await startDestination();
    const url = `http://127.0.0.1:${destination.port}/`;
    return {
      sinks: { hook: { type: 'http', url, body, allowPrivateAddresses: true } },
      count: () => countReceived(destination.port),
      close: () => destination.stop(),
    };
  },
});
