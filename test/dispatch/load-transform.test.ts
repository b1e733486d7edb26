import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTransform } from '../../src/dispatch/load-transform.js';
import { anEvent } from './fakes.js';

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

describe('loadTransform', () => {
  it('loads the exported function', async () => {
    const path = await fileWith('good.mjs', 'export const transform = ({ type }) => ({ type });');
    const transform = await loadTransform(path, 'orders');
    expect(transform(anEvent('m1'))).toEqual({ type: 'track' });
  });

  it.each([
    ['absent.mjs', undefined, /sinks\.orders\.transform: there is no readable file .*absent\.mjs/],
    ['broken.mjs', 'export function (', /cannot be loaded: /],
    ['throws.mjs', 'throw new Error("first line\\nsecond")', /cannot be loaded: first line$/],
    ['imports.mjs', 'import "./nowhere.mjs";', /cannot be loaded: /],
    ['default.mjs', 'export default () => 1', /exports no function "transform"; write: export/],
    ['constant.mjs', 'export const transform = 1', /exports no function "transform"/],
  ])('says what is wrong with %s', async (name, text, message) => {
    const path = text === undefined ? join(folder, name) : await fileWith(name, text);
    const failure = await loadTransform(path, 'orders').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(String((failure as Error).message)).toMatch(message);
  });
});
