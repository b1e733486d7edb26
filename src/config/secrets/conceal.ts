import { type InspectOptions, inspect } from 'node:util';
import type { Config } from '../config.js';
import { redactConfig } from './redact.js';

/**
 * Makes a configuration, and every part of it, show `***` for its secrets wherever it is printed: by `util.inspect`
 * (also within an error, or an uncaught one) and by `JSON.stringify`. Reading its members returns the real values. The
 * options of a user's module (`options.options` of a sink) are not changed, since the module may serialize them. They
 * are masked when the whole configuration is printed. Mutates `config` before it is frozen, and returns it.
 */
export function conceal(config: Config): Config {
  cover(config, redactConfig(config), []);
  return config;
}

function cover(value: unknown, shown: unknown, path: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  // Some defaults are one object that several parts share.
  if (isOfModule(path) || Object.hasOwn(value, 'toJSON')) return;
  Object.defineProperties(value, {
    toJSON: { value: () => shown },
    [inspect.custom]: {
      value: (_depth: number, options: InspectOptions) => inspect(shown, options),
    },
  });
  for (const [key, member] of Object.entries(value)) {
    cover(member, (shown as Readonly<Record<string, unknown>>)[key], [...path, key]);
  }
}

function isOfModule([section, , ...rest]: readonly string[]): boolean {
  return section === 'sinks' && rest.join('.') === 'options.options';
}
