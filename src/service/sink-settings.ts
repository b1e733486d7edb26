import { hash } from 'node:crypto';
import type { Config, SinkConfig } from '../config/config.js';
import { parsePointInTime } from '../config/schema/point-in-time.js';
import type { SinkSettings, SinkStart } from '../outbox/store.js';

/** The parts of a sink that decide where its events go and what they are. Others may differ between members. */
const COMPARED = ['type', 'where', 'format', 'options'] as const;

/** Returns the settings of the configured sinks that the store needs. Durations of `start` count back from `now`. */
export function sinkSettings({ outbox, sinks }: Config, now: number): SinkSettings[] {
  return Object.entries(sinks).map(([name, config]) => ({
    name,
    full: config.full,
    ...(config.maxPending === undefined ? {} : { maxPending: config.maxPending }),
    ...(config.start === undefined ? {} : { start: startOf(config.start, now) }),
    ...(outbox.type === 'postgres' ? { options: fingerprints(config) } : {}),
  }));
}

function startOf(option: string, now: number): SinkStart {
  if (option === 'next' || option === 'retained') return { option, from: option };
  const from = parsePointInTime(option, now);
  if (from === undefined) throw new TypeError('the configuration has checked start');
  return { option, from };
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
