import { type InspectOptions, inspect } from 'node:util';
import type { Config } from './config.js';
import { redactConfig } from './redact.js';

/**
 * Makes a configuration, and every part of it, show itself with `***` for its secrets wherever it is printed: by
 * `util.inspect` (also within an error, or an uncaught one) and by `JSON.stringify`. Reading its members gives them as
 * they are. What belongs to a user's module (`options.options` of a sink) is left alone, since it may well serialise its
 * own options; as a part of the whole it is masked too. Changes `config` in place, before it is frozen, and returns it.
 */
export function conceal(config: Config): Config {
  cover(config, redactConfig(config), []);
  return config;
}

function cover(value: unknown, shown: unknown, path: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  // Some defaults are one object for all that use them.
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
