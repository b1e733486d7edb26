import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { page } from '../support/manual.js';
import { fence } from '../support/markdown.js';
import { CONFIG, definition, resolved, type Schema } from './generate/options.js';

const optionsOf = (schema: Schema): Readonly<Record<string, Schema>> =>
  Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, each]) => [name, resolved(each)]),
  );

/** What an option is where it is absent: its default, with the defaults of its members where that is `{}`. */
function defaultOf(schema: Schema): unknown {
  if (JSON.stringify(schema.default) !== '{}') return schema.default;
  const members = Object.entries(optionsOf(schema)).map(([name, each]) => [name, defaultOf(each)]);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

describe('the sample configuration', () => {
  const sample = parse(fence(page('configuration.md'), 'yaml', 'config'));

  it('shows every option of server, outbox and admin that has a default, with that default', () => {
    const { admin, server, outbox, sources, sinks, ...rest } = sample;
    expect(rest).toEqual({});
    expect(server).toEqual(defaultOf({ ...definition('server'), default: {} }));
    expect(outbox).toEqual(defaultOf({ ...definition('outbox-sqlite'), default: {} }));
    const { token, ...listener } = admin;
    expect(token).toMatch(/^\$\{[A-Z_]+\}$/);
    expect(listener).toEqual(defaultOf({ ...definition('admin'), default: {} }));
    expect(sources).toEqual(CONFIG.properties?.['sources']?.default);
  });

  it('shows the default sinks, and the defaults of every sink on orders', () => {
    const { orders, ...others } = sample.sinks;
    expect(others).toEqual(CONFIG.properties?.['sinks']?.default);
    const sink = optionsOf(definition('sink'));
    for (const name of ['batch', 'lanes', 'retry']) {
      expect(orders[name], name).toEqual(defaultOf(sink[name] ?? {}));
    }
  });
});
