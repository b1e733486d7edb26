import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Child } from '../../../src/core/child/child.js';
import { systemClock, turn } from '../../../src/core/clock.js';
import type { LogNote } from '../../../src/sinks/module/messages.js';
import { ModuleProcess } from '../../../src/sinks/module/process.js';
import { Turns } from '../../../src/sinks/module/turns.js';
import type { SinkEvent } from '../../../src/sinks/sink.js';
import { eventually } from '../../support/receiver.js';
import { sinkContext, sinkEvent } from '../events.js';

const entry = new URL('../../../src/sinks/module/child.js', import.meta.url);
const path = fileURLToPath(new URL('./fixtures/behave.mjs', import.meta.url));
/** Long enough for a process on a busy machine to answer. */
const TIMEOUT = 2_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trackbridge-module-'));
});

const modules: ModuleProcess[] = [];
afterEach(async () => {
  for (const module of modules.splice(0)) await module.close().catch(() => undefined);
  await rm(folder, { recursive: true });
});

interface Started {
  readonly module: ModuleProcess;
  readonly notes: LogNote[];
  readonly warnings: string[];
  /** What the module has written: that it was created, opened and closed, and the ids it has delivered. */
  written(): Promise<readonly string[]>;
  starts(): number;
}

async function start(options: object = {}): Promise<Started> {
  const file = join(folder, 'written');
  const notes: LogNote[] = [];
  const warnings: string[] = [];
  let starts = 0;
  const module = new ModuleProcess({
    context: sinkContext(warnings),
    create: { path, options: { file, ...options }, name: 'own' },
    startChild: () => {
      starts++;
      const onNote = (note: unknown): void => void notes.push(note as LogNote);
      return new Child({ entry, clock: systemClock, heapMb: 64, onNote });
    },
  });
  modules.push(module);
  await module.ready();
  const written = async () => (await readFile(file, 'utf8')).trimEnd().split('\n');
  return { module, notes, warnings, written, starts: () => starts };
}

/** Events by name; the id is the name and its place. */
const events = (...names: string[]): SinkEvent[] =>
  names.map((event, at) => sinkEvent(`${event}${at}`, { event }));

const never = () => new AbortController().signal;
const timeout = () => AbortSignal.timeout(TIMEOUT);
const rejectionOf = (delivery: Promise<unknown>): Promise<unknown> =>
  delivery.then(
    (results) => new Error(`it delivered ${JSON.stringify(results)}`),
    (error: unknown) => error,
  );

describe('the process of a module', () => {
  it('is created and opened once, logs through its parent, and is closed before it ends', async () => {
    const { module, notes, starts, written } = await start();
    await module.open();
    await module.open();
    await module.deliver(events('fine', 'fine'), never());
    await module.close();
    expect(await written()).toEqual(['created', 'opened', 'fine0', 'fine1', 'closed']);
    expect(starts()).toBe(1);
    expect(notes).toEqual([
      {
        level: 'warn',
        fields: { name: 'own', err: { type: 'Error', message: 'for the log' } },
        message: 'a line of its own',
      },
    ]);
  });

  it('fails to open and to close as the module does', async () => {
    const { module } = await start({ failsToOpen: true });
    await expect(module.open()).rejects.toMatchObject({ message: 'not open', retryable: true });
    await expect(module.close()).rejects.toMatchObject({ message: 'not closed' });
  });

  it.each([
    ['exit', 'the module called process.exit(7)'],
    ['memory', 'the module used more than 64 MB of memory'],
    ['throw from a timer', 'the module did not catch an error: out of reach'],
    ['loop', 'the module blocked its process past the timeout'],
    ['regex', 'the module blocked its process past the timeout'],
    ['loop later', 'the module blocked its process past the timeout'],
  ])('that ends by %s blames that call, and is created and opened again', async (name, message) => {
    const { module, starts, warnings, written } = await start();
    await module.open();
    // What ends by itself may take its time on a busy machine; what is blocked never ends.
    const signal = message.includes('blocked') ? timeout() : never();
    const error = await rejectionOf(module.deliver(events('fine', name), signal));
    expect(error).toMatchObject({ name: 'SinkError', retryable: true, crashed: true, message });
    expect(await module.deliver([sinkEvent('next')], never())).toEqual([{ ok: true }]);
    expect(await written()).toEqual(['created', 'opened', 'fine0', 'created', 'opened', 'next']);
    expect(starts()).toBe(2);
    await eventually(
      async () => warnings,
      (lines) => lines.includes('the process of the module ended; Trackbridge restarts it'),
    );
  });

  it('blames no other call where it knows which one it was', async () => {
    const { module } = await start();
    const [bad, other] = await Promise.all(
      ['throw from a timer', 'wait'].map((name) =>
        rejectionOf(module.deliver(events(name), never())),
      ),
    );
    expect(bad).toMatchObject({ retryable: true, crashed: true });
    expect(other).toMatchObject({ retryable: true, crashed: undefined });
  });

  it('blames no call for what one that was through has left behind', async () => {
    const { module } = await start();
    await module.deliver(events('throw when delivered'), never());
    const error = await rejectionOf(module.deliver(events('wait'), never()));
    expect(error).toMatchObject({ retryable: true, crashed: undefined });
    expect(await module.deliver(events('fine'), never())).toEqual([{ ok: true }]);
  });

  it('blames nobody where it may have been any of several calls, and lets them in alone then', async () => {
    const { module, written } = await start();
    const batches = [events('loop later'), [sinkEvent('other', { event: 'wait a little' })]];
    const first = await Promise.all(
      batches.map((each) => rejectionOf(module.deliver(each, timeout()))),
    );
    for (const error of first) expect(error).toMatchObject({ retryable: true, crashed: undefined });
    await module.ready();
    const [loop = [], other = []] = batches;
    const [bad, good] = await Promise.all([
      rejectionOf(module.deliver(loop, timeout())),
      module.deliver(other, never()),
    ]);
    expect(bad).toMatchObject({ retryable: true, crashed: true });
    expect(good).toEqual([{ ok: true }]);
    expect(await written()).toContain('other');
  });

  it('closes at once where it is blocked, and delivers nothing any more', async () => {
    const { module, starts } = await start();
    const blocked = rejectionOf(module.deliver(events('loop'), never()));
    await turn();
    await module.close();
    expect(await blocked).toMatchObject({ name: 'SinkError', retryable: true });
    const after = rejectionOf(module.deliver(events('fine'), never()));
    expect(await after).toMatchObject({ message: 'the sink is closed', retryable: true });
    expect(starts()).toBe(1);
  });
});

describe('turns', () => {
  const order: string[] = [];
  const take = async (turns: Turns, name: string, alone: boolean, signal = never()) => {
    const leave = await turns.enter(alone, signal);
    order.push(leave === undefined ? `${name} left` : name);
    return leave;
  };

  it('let in any number together, or one alone, in order', async () => {
    const turns = new Turns();
    const abort = new AbortController();
    const [a, b] = await Promise.all([take(turns, 'a', false), take(turns, 'b', false)]);
    const alone = take(turns, 'alone', true);
    const gone = take(turns, 'gone', false, abort.signal);
    const c = take(turns, 'c', false);
    await turn();
    expect(order).toEqual(['a', 'b']);
    abort.abort();
    await gone;
    a?.();
    b?.();
    (await alone)?.();
    (await c)?.();
    expect(order).toEqual(['a', 'b', 'gone left', 'alone', 'c']);
    expect(await turns.enter(false, abort.signal)).toBeUndefined();
    expect(await turns.enter(true, never())).toBeTypeOf('function');
  });
});
