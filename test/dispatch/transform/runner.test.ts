import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Child } from '../../../src/core/child/child.js';
import { systemClock } from '../../../src/core/clock.js';
import { ProcessRunner, type Transformed } from '../../../src/dispatch/transform/runner.js';
import { anEvent } from '../fakes.js';

const entry = new URL('../../../src/dispatch/transform/child.js', import.meta.url);
/** Long enough for a process on a busy machine to show a sign of life. */
const TIMEOUT = 2_000;

const runners: ProcessRunner[] = [];
afterEach(async () => {
  for (const runner of runners.splice(0)) await runner.close();
});

interface Started {
  readonly runner: ProcessRunner;
  readonly warnings: { readonly reason?: string }[];
  readonly starts: () => number;
}

async function start(fixture = 'behave', timeout = TIMEOUT): Promise<Started> {
  const path = fileURLToPath(new URL(`./fixtures/${fixture}.mjs`, import.meta.url));
  const warnings: { reason?: string }[] = [];
  let starts = 0;
  const runner = new ProcessRunner({
    sink: 'main',
    clock: systemClock,
    timeout,
    load: { path, timeout },
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: (fields) => void warnings.push(fields),
    },
    startChild: () => {
      starts++;
      return new Child({ entry, clock: systemClock, heapMb: 64 });
    },
  });
  runners.push(runner);
  expect(await runner.start()).toBeUndefined();
  return { runner, warnings, starts: () => starts };
}

const texts = (...names: string[]): string[] =>
  names.map((event, at) => JSON.stringify(anEvent(`${event}${at}`, { event })));

const took = { kind: 'lost', error: `took longer than ${TIMEOUT} ms`, crashed: true };
const isThere = { kind: 'events', texts: [expect.any(String)] };

function pidOf(result: Transformed | undefined): number {
  if (result?.kind !== 'events') throw new Error('it was not transformed');
  return JSON.parse(String(result.texts[0])).properties.pid;
}

describe('a transform in a process of its own', () => {
  it('has one result for each event, in order', async () => {
    const { runner, starts } = await start();
    const names = ['same', 'two', 'none', 'throws', 'a promise', 'a promise that rejects', 'same'];
    const results = await runner.run(texts(...names));
    expect(results).toEqual([
      isThere,
      { kind: 'events', texts: [expect.any(String), expect.any(String)] },
      { kind: 'events', texts: [] },
      { kind: 'failed', error: 'no price' },
      isThere,
      { kind: 'failed', error: 'no answer' },
      isThere,
    ]);
    expect(pidOf(results[0])).toBe(pidOf(results[6]));
    expect(pidOf(results[0])).not.toBe(process.pid);
    expect(await runner.run([])).toEqual([]);
    expect(starts()).toBe(1);
  });

  it('sends what several lanes ask for together, and gives each its own', async () => {
    const { runner } = await start();
    const runs = Array.from({ length: 20 }, (_, lane) =>
      runner.run([JSON.stringify(anEvent(`${lane}`, { event: 'same', userId: `u${lane}` }))]),
    );
    for (const [lane, results] of (await Promise.all(runs)).entries()) {
      expect(results).toHaveLength(1);
      expect(JSON.parse(Object(results[0]).texts[0])).toMatchObject({ userId: `u${lane}` });
    }
  });

  it.each(['loop', 'regex', 'loop after a promise'])(
    'that is blocked by a %s is ended; only that event is to blame, and this process goes on meanwhile',
    async (name) => {
      const { runner, starts, warnings } = await start();
      let turns = 0;
      const ticking = setInterval(() => turns++, 10);
      const [first, second] = await Promise.all([
        runner.run(texts('same', name, 'same')),
        runner.run(texts('same', 'same')),
      ]);
      clearInterval(ticking);
      expect(first).toEqual([isThere, took]);
      expect(second).toEqual([isThere, isThere]);
      expect(turns).toBeGreaterThan(10);
      expect(await runner.run(texts('same'))).toEqual([isThere]);
      const reason = `took longer than ${TIMEOUT} ms`;
      expect(warnings).toEqual(Array(starts() - 1).fill({ sink: 'main', reason }));
      expect(starts()).toBeGreaterThan(1);
    },
  );

  it.each([
    ['exit', 'called process.exit(7)'],
    ['memory', 'used more than 64 MB of memory'],
    ['throw from a timer', 'did not catch an error: out of reach'],
  ])('that ends by %s is started again; only that event is to blame', async (name, error) => {
    // Longer than a busy machine takes to run out of memory.
    const { runner } = await start('behave', 60_000);
    const [first, second] = await Promise.all([
      runner.run(texts('same', 'same', name)),
      runner.run(texts('same')),
    ]);
    expect(first).toEqual([isThere, isThere, { kind: 'lost', error, crashed: true }]);
    expect(second).toEqual([isThere]);
  });

  it('blames nobody who only was there when an event that was through ended it', async () => {
    const { runner, starts, warnings } = await start();
    const [first, second] = await Promise.all([
      runner.run(texts('throw later', 'a promise')),
      runner.run(texts('busy', 'a promise')),
    ]);
    expect(first).toEqual([isThere, isThere]);
    expect(second).toEqual([isThere, isThere]);
    while (warnings.length === 0) await runner.run(texts('same'));
    expect(warnings).toEqual([{ sink: 'main', reason: 'did not catch an error: too late' }]);
    expect(await runner.run(texts('same'))).toEqual([isThere]);
    expect(starts()).toBe(2);
  });

  it('blames no event where the module itself ends its process', async () => {
    const { runner } = await start('broken-from-within');
    const error = 'did not catch an error: the database is away';
    const lost = { kind: 'lost', error, crashed: false };
    expect(await runner.run(texts('same', 'same'))).toEqual([lost]);
    expect(await runner.run(texts('same'))).toEqual([lost]);
  });

  it('does not wait for ever for a promise, and needs no new process for that', async () => {
    const { runner, starts } = await start();
    expect(await runner.run(texts('a promise', 'a promise for ever', 'same'))).toEqual([
      isThere,
      took,
    ]);
    expect(starts()).toBe(1);
  });

  it('may take long for many events, as long as it takes no longer than it may for any', async () => {
    const { runner, starts } = await start();
    const many = Array.from({ length: (TIMEOUT * 2) / 100 }, () => 'busy');
    expect(await runner.run(texts(...many))).toHaveLength(many.length);
    expect(starts()).toBe(1);
  });

  it('leaves for later what would be too much text at once', async () => {
    const { runner } = await start();
    const results = await runner.run(texts('large', 'large', 'large', 'large'));
    expect(results).toEqual([isThere, isThere]);
  });

  it('lets go of everybody when it is closed, and stays closed', async () => {
    const { runner } = await start();
    const waits = runner.run(texts('wait', 'same'));
    const loops = runner.run(texts('loop'));
    await runner.close();
    const lost = { kind: 'lost', error: 'was ended', crashed: false };
    expect(await waits).toEqual([lost]);
    expect(await loops).toEqual([lost]);
    expect(await runner.run(texts('same'))).toEqual([lost]);
  });
});
