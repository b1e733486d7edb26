import { writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.js';
import { moduleSink } from '../../../src/sinks/module/sink.js';
import type { DeliveryResult, Sink } from '../../../src/sinks/sink.js';
import { type Bench, sinkContract } from '../contract.js';
import { sinkContext, sinkEvent } from '../events.js';

const never = (): AbortSignal => new AbortController().signal;
const fixture = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/${name}.mjs`, import.meta.url));

const sinks: Sink[] = [];
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
});

const create = async (name: string, options: object, warnings: string[] = []): Promise<Sink> => {
  const sink = await moduleSink.create(
    { path: fixture(name), options: options as JsonObject },
    sinkContext(warnings),
  );
  sinks.push(sink);
  return sink;
};

const deliverTo = async (
  options: object,
  ids = ['a', 'b', 'c'],
): Promise<readonly DeliveryResult[]> => {
  const sink = await create('answers', options);
  return sink.deliver(
    ids.map((id) => sinkEvent(id)),
    never(),
  );
};

sinkContract('module', async (): Promise<Bench> => {
  const folder = await mkdtemp(join(tmpdir(), 'trackbridge-module-'));
  const [file, moodFile] = [join(folder, 'taken'), join(folder, 'mood')];
  await writeFile(file, '');
  await writeFile(moodFile, 'works');
  const be = (mood: string): void => writeFileSync(moodFile, mood);
  return {
    sink: await create('bench', { file, moodFile }),
    broken: await create('bench', { file, moodFile, broken: true }),
    received: async () => {
      const lines = (await readFile(file, 'utf8')).split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
    },
    stall: () => be('stalls'),
    fail: () => be('fails'),
    mend: () => be('works'),
    secrets: [],
    dispose: () => rm(folder, { recursive: true }),
  };
});

describe('module', () => {
  it('needs no more than deliver', async () => {
    const sink = await create('least', {});
    await sink.open();
    await sink.check();
    expect(await sink.deliver([sinkEvent('a')], never())).toEqual([{ ok: true }]);
    await sink.close();
  });

  it('reads one result an event', async () => {
    const results = await deliverTo({ returned: 'one each' }, [
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      '7',
      '8',
    ]);
    expect(results).toEqual([
      { ok: true },
      { ok: true },
      { ok: true },
      { ok: false, retryable: false, message: 'bad\\u000ashape' },
      { ok: false, retryable: true, retryAfter: 500, message: 'busy' },
      { ok: false, retryable: true, message: 'lost' },
      { ok: false, retryable: false, message: 'gone' },
      { ok: false, retryable: true, message: 'false' },
    ]);
  });

  it.each([
    ['error', { retryable: true, message: 'away', retryAfter: undefined }],
    ['retry after', { retryable: true, message: 'slow down', retryAfter: 2000 }],
    ['for good', { retryable: false, message: 'never', retryAfter: undefined }],
    ['text', { retryable: true, message: 'text', retryAfter: undefined }],
    ['no message', { retryable: true, message: 'failed without a message', retryAfter: undefined }],
  ])('fails the batch when deliver throws: %s', async (throws, expected) => {
    await expect(deliverTo({ throws })).rejects.toMatchObject(expected);
  });

  it.each([[[true]], ['done'], [7], [{ ok: true }]])(
    'asks for a retry where %j is not one result an event',
    async (returned) => {
      await expect(deliverTo({ returned })).rejects.toMatchObject({
        retryable: true,
        message: expect.stringMatching(/^deliver returned .* for 3 events; return nothing, or one/),
      });
    },
  );

  it.each([
    ['not-there', /not-there\.mjs cannot be loaded: Cannot find module/],
    ['no-factory', /must export a function createSink\(options, context\)$/],
    ['no-deliver', /failed: it returned no object with a deliver function$/],
    ['exits', /^the module called process\.exit\(5\)$/],
  ])('says what is wrong with the module %s', async (name, message) => {
    await expect(create(name, {})).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('says that a module is not valid JavaScript', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'trackbridge-module-'));
    const path = join(directory, 'broken.mjs');
    await writeFile(path, 'export const createSink = () => {');
    const creating = async () => moduleSink.create({ path, options: {} }, sinkContext());
    await expect(creating()).rejects.toThrow(/broken\.mjs cannot be loaded: /);
    await rm(directory, { recursive: true });
  });
});
