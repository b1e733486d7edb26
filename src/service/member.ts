import { hostname } from 'node:os';
import type { Config, SinkConfig } from '../config/config.js';

/** Returns the name of this process among the members that share a store. */
export function memberName({ outbox }: Config): string {
  const given = outbox.type === 'postgres' ? outbox.member : undefined;
  return given ?? `${hostname()}-${process.pid}`;
}

/** Returns the sinks with the name of this member in the paths of files, since each member writes its own. */
export function ownFiles(
  sinks: Readonly<Record<string, SinkConfig>>,
  member: string,
): Readonly<Record<string, SinkConfig>> {
  return Object.fromEntries(
    Object.entries(sinks).map(([name, sink]) => {
      const { path } = sink.options;
      if (sink.type !== 'file' || typeof path !== 'string') return [name, sink];
      return [
        name,
        { ...sink, options: { ...sink.options, path: path.replaceAll('{member}', member) } },
      ];
    }),
  );
}
