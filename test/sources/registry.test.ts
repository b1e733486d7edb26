import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceConfig } from '../../src/config/config.js';
import { systemClock } from '../../src/core/clock.js';
import { TrackbridgeError } from '../../src/core/errors.js';
import { createSource } from '../../src/sources/registry.js';
import { deliveryOf, sourceConfig, valuesOf } from './support.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trackbridge-sources-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function schemaFile(name: string, text: string): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, text);
  return file;
}

function rudderstack(changes: Partial<SourceConfig> = {}) {
  return createSource('rs', sourceConfig({ type: 'rudderstack', ...changes }), systemClock);
}

describe('a source', () => {
  it('is of its configured type and asks its configured schemes', async () => {
    const verify = [{ scheme: 'basic', secrets: ['user:password'] }] as const;
    const segment = createSource('segment', sourceConfig({ verify }), systemClock);
    expect([segment.vendor, segment.name, rudderstack().vendor]).toEqual([
      'segment',
      'segment',
      'rudderstack',
    ]);
    const { signal } = new AbortController();
    const right = [['Authorization', `Basic ${btoa('user:password')}`]] as const;
    expect((await segment.verify(deliveryOf({ headers: right }), signal)).passed).toBe(true);
    expect((await segment.verify(deliveryOf(), signal)).passed).toBe(false);
  });

  it('without a schema of its own has the types of the specifications', async () => {
    const query = 'price=60&mine=60';
    expect(await valuesOf(rudderstack(), { method: 'GET', query })).toEqual([
      { type: 'track', properties: { price: 60, mine: '60' } },
    ]);
  });

  it('with a schema of its own has the types of that alone', async () => {
    const schema = await schemaFile('own.json', '{"properties":{"mine":{"type":"number"}}}');
    const query = 'price=60&mine=60';
    expect(await valuesOf(rudderstack({ schema }), { method: 'GET', query })).toEqual([
      { type: 'track', properties: { price: '60', mine: 60 } },
    ]);
    const identify = { method: 'GET', query, subpath: 'identify' };
    expect(await valuesOf(rudderstack({ schema }), identify)).toEqual([
      { type: 'identify', traits: { price: '60', mine: 60 } },
    ]);
  });

  it.each([
    ['missing.json', undefined],
    ['broken.json', '{"properties":'],
    ['list.json', '[]'],
  ])('whose schema file is %s is a configuration error that names it', async (name, text) => {
    const schema = text === undefined ? join(directory, name) : await schemaFile(name, text);
    const run = (): unknown => rudderstack({ schema });
    expect(run).toThrow(TrackbridgeError);
    expect(run).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(run).toThrow(/^sources\.rs\.schema: .*\.json/);
  });
});
