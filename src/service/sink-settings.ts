import { hash } from 'node:crypto';
import type { Config, SinkConfig } from '../config/config.js';
import type { SinkSettings } from '../outbox/store.js';

/** The parts of a sink that decide where its events go and what they are. Others may differ between members. */
const COMPARED = ['type', 'where', 'format', 'options'] as const;

/** Returns the settings of the configured sinks that the store needs. */
export function sinkSettings({ outbox, sinks }: Config): SinkSettings[] {
  return Object.entries(sinks).map(([name, config]) => ({
    name,
    full: config.full,
    ...(config.maxPending === undefined ? {} : { maxPending: config.maxPending }),
    ...(outbox.type === 'postgres' ? { options: fingerprints(config) } : {}),
  }));
}

function fingerprints(config: SinkConfig): Readonly<Record<string, string>> {
  const { options, ...rest } = config;
  const compared = Object.entries(rest).filter(([name]) => COMPARED.some((each) => each === name));
  return Object.fromEntries(
    [...compared, ...Object.entries(options)].map(([name, value]) => [
      name,
      // Enough to tell values apart, and too short to find a secret by.
      hash('sha256', JSON.stringify(plain(value)) ?? '', 'hex').slice(0, 8),
    ]),
  );
}

/** Copies a value whose JSON text would hide its secrets. Members are sorted by name. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return members.map(([name, member]) => [name, plain(member)]);
}
