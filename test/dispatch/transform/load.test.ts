import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import { loadTransform } from '../../../src/dispatch/transform/load.js';
import { anEvent } from '../fakes.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trackbridge-transform-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileWith(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const warnings: object[] = [];
const options = {
  sink: 'orders',
  timeout: 10_000,
  clock: systemClock,
  log: {
    debug: () => undefined,
    info: () => undefined,
    warn: (fields: object) => warnings.push(fields),
  },
};

describe('loadTransform', () => {
  it('loads the exported function into a process of its own', async () => {
    const text = `
      console.error('hello from', process.pid);
      export const transform = ({ type }) => ({ type, properties: { pid: process.pid } });
    `;
    const runner = await loadTransform(await fileWith('good.mjs', text), options);
    const [result] = await runner.run([JSON.stringify(anEvent('m1'))]);
    if (result?.kind !== 'events') throw new Error('it was not transformed');
    const { properties, type } = JSON.parse(String(result.texts[0]));
    expect(type).toBe('track');
    expect(properties.pid).not.toBe(process.pid);
    await runner.close();
    expect(warnings).toContainEqual({ sink: 'orders', line: `hello from ${properties.pid}` });
  });

  it.each([
    ['absent.mjs', undefined, /sinks\.orders\.transform: there is no readable file .*absent\.mjs/],
    ['broken.mjs', 'export function (', /cannot be loaded: /],
    ['throws.mjs', 'throw new Error("first line\\nsecond")', /cannot be loaded: first line$/],
    ['imports.mjs', 'import "./nowhere.mjs";', /cannot be loaded: /],
    ['default.mjs', 'export default () => 1', /exports no function "transform"; write: export/],
    ['constant.mjs', 'export const transform = 1', /exports no function "transform"/],
    ['exits.mjs', 'process.exit(4)', /exits\.mjs called process\.exit\(4\)$/],
  ])('says what is wrong with %s', async (name, text, message) => {
    const path = text === undefined ? join(folder, name) : await fileWith(name, text);
    const failure = await loadTransform(path, options).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(String((failure as Error).message)).toMatch(message);
  });
});
