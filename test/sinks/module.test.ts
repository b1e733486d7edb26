import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { moduleSink } from '../../src/sinks/module.js';
import type { DeliveryResult, Sink } from '../../src/sinks/sink.js';
import { type Bench, sinkContract } from './contract.js';
import { sinkContext, sinkEvent } from './events.js';

const never = (): AbortSignal => new AbortController().signal;
const fixture = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/${name}.mjs`, import.meta.url));

const create = async (name: string, options: object, warnings: string[] = []): Promise<Sink> =>
  moduleSink.create({ path: fixture(name), options }, sinkContext(warnings));

const deliverWith = async (
  deliver: (events: { messageId: string; added?: boolean }[]) => unknown,
  ids = ['a', 'b', 'c'],
): Promise<readonly DeliveryResult[]> => {
  const sink = await create('collect', { deliver });
  return sink.deliver(
    ids.map((id) => sinkEvent(id)),
    never(),
  );
};

sinkContract('module', async (): Promise<Bench> => {
  const taken: unknown[] = [];
  let mode: 'works' | 'stalls' | 'fails' = 'works';
  const deliver = (events: unknown[]): unknown => {
    if (mode === 'fails') throw new Error('the far side\nis away');
    if (mode === 'stalls') return new Promise(() => {});
    taken.push(...events);
    return undefined;
  };
  const check = (): never => {
    throw new Error('nothing is\u001b there');
  };
  return {
    sink: await create('collect', { deliver }),
    broken: await create('collect', { deliver, check }),
    received: async () => taken,
    stall: () => {
      mode = 'stalls';
    },
    fail: () => {
      mode = 'fails';
    },
    mend: () => {
      mode = 'works';
    },
    secrets: [],
    dispose: async () => {},
  };
});

describe('module', () => {
  it('needs no more than deliver', async () => {
    const taken: unknown[] = [];
    const sink = await create('least', { taken });
    await sink.open();
    await sink.check();
    expect(await sink.deliver([sinkEvent('a')], never())).toEqual([{ ok: true }]);
    await sink.close();
    expect(taken).toEqual([sinkEvent('a').event]);
  });

  it('tells the module its name and when it is opened', async () => {
    const told: unknown[] = [];
    const sink = await create('collect', { on: (...what: unknown[]) => told.push(what) });
    await sink.open();
    expect(told).toEqual([['open', 'under-test']]);
  });

  it('reads one result an event', async () => {
    const results = await deliverWith(
      () => [
        true,
        undefined,
        { ok: true },
        { error: 'bad\nshape', retryable: false },
        { error: new Error('busy'), retryAfter: 500 },
        new Error('lost'),
        Object.assign(new Error('gone'), { retryable: false }),
        false,
      ],
      ['1', '2', '3', '4', '5', '6', '7', '8'],
    );
    expect(results).toEqual([
      { ok: true },
      { ok: true },
      { ok: true },
      { ok: false, retryable: false, error: 'bad\\u000ashape' },
      { ok: false, retryable: true, retryAfter: 500, error: 'busy' },
      { ok: false, retryable: true, error: 'lost' },
      { ok: false, retryable: false, error: 'gone' },
      { ok: false, retryable: true, error: 'false' },
    ]);
  });

  it.each([
    [new Error('away'), { retryable: true, message: 'away', retryAfter: undefined }],
    [
      Object.assign(new Error('slow down'), { retryAfter: 2000 }),
      { retryable: true, message: 'slow down', retryAfter: 2000 },
    ],
    [
      Object.assign(new Error('never'), { retryable: false }),
      { retryable: false, message: 'never', retryAfter: undefined },
    ],
    ['text', { retryable: true, message: 'text', retryAfter: undefined }],
    [undefined, { retryable: true, message: 'undefined', retryAfter: undefined }],
    [new Error(), { retryable: true, message: 'failed without a message', retryAfter: undefined }],
  ])('fails the batch when deliver throws %s', async (thrown, expected) => {
    const delivery = deliverWith(() => {
      throw thrown;
    });
    await expect(delivery).rejects.toMatchObject(expected);
  });

  it.each([[[true]], ['done'], [7], [{ ok: true }]])(
    'asks for a retry where %j is not one result an event',
    async (returned) => {
      await expect(deliverWith(() => returned)).rejects.toMatchObject({
        retryable: true,
        message: expect.stringMatching(/^deliver returned .* for 3 events; return nothing or one/),
      });
    },
  );

  it('hands out events that the module may change', async () => {
    const event = sinkEvent('a');
    const sink = await create('collect', {
      deliver: (events: { added?: boolean }[]) => {
        for (const each of events) each.added = true;
      },
    });
    await sink.deliver([event], never());
    expect(event.event).not.toHaveProperty('added');
  });

  it('hands on the signal', async () => {
    let seen: AbortSignal | undefined;
    const sink = await create('collect', {
      deliver: (_: unknown, signal: AbortSignal) => {
        seen = signal;
      },
    });
    const { signal } = new AbortController();
    await sink.deliver([sinkEvent('a')], signal);
    expect(seen).toBe(signal);
  });

  it('logs what close throws, and closes all the same', async () => {
    const warnings: string[] = [];
    const close = (): never => {
      throw new Error('no');
    };
    await (await create('collect', { close }, warnings)).close();
    expect(warnings).toEqual(['the sink did not close']);
  });

  it.each([
    ['not-there', /not-there\.mjs cannot be loaded: Cannot find module/],
    ['no-factory', /must export a function createSink\(options, context\)$/],
    ['no-deliver', /failed: it returned no object with a deliver function$/],
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
    const creating = async () => moduleSink.create({ path }, sinkContext());
    await expect(creating()).rejects.toThrow(/broken\.mjs cannot be loaded: /);
    await rm(directory, { recursive: true });
  });
});
