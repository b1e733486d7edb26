import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Child, ChildLost } from '../../../src/core/child/child.js';
import { systemClock } from '../../../src/core/clock.js';
import { eventually } from '../../support/receiver.js';

const USED_TOO_MUCH = /^used more than \d+ MB of memory( in all)?$/;
const entry = new URL('./fixtures/entry.js', import.meta.url);
const children: Child[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await child.end();
});

function start(options: Partial<ConstructorParameters<typeof Child>[0]> = {}): Child {
  const child = new Child({ entry, clock: systemClock, heapMb: 64, ...options });
  children.push(child);
  return child;
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const lostOf = async (reply: Promise<unknown>): Promise<ChildLost> => {
  const error = await reply.then(
    (value) => new Error(`it replied ${value}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ChildLost)) throw error;
  return error;
};

describe('a child process', () => {
  it('answers calls, in parts where it likes, and tells what nobody asked for', async () => {
    const notes: unknown[] = [];
    const child = start({ onNote: (note) => notes.push(note) });
    expect(
      await child.call('echo', { text: 'Zoë \ud800', large: 'x'.repeat(3_000_000) }).reply,
    ).toEqual({ text: 'Zoë \ud800', large: 'x'.repeat(3_000_000) });
    const parts: unknown[] = [];
    expect(await child.call('items', [1, 2, 3], (part) => parts.push(part)).reply).toBe('done');
    expect(parts).toEqual([2, 4, 6]);
    await expect(child.call('rejects', null).reply).rejects.toThrow('no such thing');
    await child.call('tell', 'news').reply;
    child.note('an abort');
    await child.call('echo', null).reply;
    expect(notes).toEqual(['news', ['heard', 'an abort']]);
    expect(child.alive).toBe(true);
  });

  it('passes on what is written to standard error, line by line', async () => {
    const lines: string[] = [];
    const child = start({ onLine: (line) => lines.push(line) });
    await child.call('writes', `one\n\ntwo ${'x'.repeat(900)}\nthr`).reply;
    await child.call('writes', 'ee').reply;
    await child.end();
    expect(lines).toEqual(['one', `two ${'x'.repeat(496)}`, 'three']);
  });

  it('is deaf to signals that are for its parent, and shows code that it loads no parent', async () => {
    const child = start();
    expect(await child.call('signals', null).reply).toBe('still here');
    expect(await child.call('sees a parent', null).reply).toBe('undefined');
  });

  it.each([
    ['timer throws', 'did not catch an error: thrown by a timer', { call: 1, item: 7 }],
    ['promise rejects', 'did not catch an error: rejected', { call: 1 }],
    ['emitter fails', 'did not catch an error: no listener', { call: 1 }],
    ['throws nothing', 'did not catch an error: undefined', { call: 1 }],
    ['exits', 'called process.exit(3)', { call: 1 }],
    ['exits later', 'called process.exit(0)', { call: 1 }],
    // Which of the two limits is reached first is V8's own affair: Node 24 grows an array past the whole process's.
    ['grows an array', expect.stringMatching(USED_TOO_MUCH), undefined],
    ['grows objects', expect.stringMatching(USED_TOO_MUCH), undefined],
    ['takes buffers', expect.stringMatching(/^used more than \d+ MB of memory in all$/), undefined],
    ['aborts', 'was ended by SIGABRT', undefined],
  ])(
    'where a call %s, says what ended it and, where it can, for whom',
    async (kind, reason, mark) => {
      const lines: string[] = [];
      const child = start({ onLine: (line) => lines.push(line) });
      const bystander = child.call('never', null);
      const lost = await Promise.all([
        lostOf(child.call(kind, null).reply),
        lostOf(bystander.reply),
      ]);
      const expected = mark === undefined ? undefined : { ...mark, call: 2 };
      for (const error of lost) expect(error).toMatchObject({ reason, mark: expected });
      expect(child.alive).toBe(false);
      expect(await lostOf(child.call('echo', null).reply)).toBe(lost[0]);
      // A dump of memory and stack is nobody's to read.
      expect(lines.filter((line) => !line.startsWith('trackbridge:')).length).toBeLessThan(3);
    },
  );

  it('knows a call as the cause that has been answered already', async () => {
    const child = start();
    expect(await child.call('throws after its reply', null).reply).toBe('fine');
    expect(await lostOf(child.call('never', null).reply)).toMatchObject({
      reason: expect.stringContaining('too late'),
      mark: { call: 1 },
    });
  });

  it.each(['loop', 'regex'])('can be ended while it is blocked by a %s', async (kind) => {
    const child = start();
    expect(await child.answers(60_000)).toBe(true);
    const blocked = lostOf(child.call(kind, null).reply);
    expect(await child.answers(200)).toBe(false);
    child.kill('took longer than 200 ms', { call: 2 });
    expect(child.alive).toBe(false);
    expect(await blocked).toMatchObject({ reason: 'took longer than 200 ms', mark: { call: 2 } });
    expect(await child.answers(60_000)).toBe(false);
  });

  it('ends with its parent, also while it is blocked', async () => {
    const parent = spawn(
      process.execPath,
      [
        '--import',
        import.meta.resolve('tsx'),
        fileURLToPath(new URL('./fixtures/parent.ts', import.meta.url)),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [printed] = await once(parent.stdout, 'data');
    const pid = Number(String(printed));
    expect(isThere(pid)).toBe(true);
    parent.kill('SIGKILL');
    await eventually(
      async () => isThere(pid),
      (there) => !there,
    );
  });

  it('is lost where it cannot be started or loaded', async () => {
    const nowhere = start({ entry: new URL('./fixtures/nowhere.js', import.meta.url) });
    expect((await lostOf(nowhere.call('echo', 1).reply)).reason).toBe('ended with exit code 1');
  });
});
