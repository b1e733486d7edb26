import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shimsWork } from './compile.js';
import { compileJumpingClock, type JumpingClock } from './jumping-clock.js';

const HOUR = 3_600_000;
/** Looks at both clocks whenever it is asked to, on a thread as well as in the main one. */
const PROGRAM = `
const { Worker } = require('node:worker_threads');
const look = "[Date.now(), performance.timeOrigin + performance.now()]";
const worker = new Worker("const { parentPort } = require('node:worker_threads'); parentPort.on('message', () => parentPort.postMessage(" + look + "))", { eval: true });
worker.on('message', (there) => console.log(JSON.stringify([...eval(look), ...there])));
process.stdin.on('data', () => worker.postMessage(0));
`;

describe.runIf(shimsWork)('the jumping clock', () => {
  let clock: JumpingClock;
  let child: ChildProcess;
  let lines: AsyncIterator<string>;

  beforeAll(async () => {
    clock = await compileJumpingClock();
    child = spawn(process.execPath, ['-e', PROGRAM], {
      env: { PATH: process.env['PATH'] ?? '', ...clock.env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (child.stdout === null) throw new TypeError('no pipe');
    lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  });

  afterAll(async () => {
    const gone = once(child, 'exit');
    child.kill();
    await gone;
  });

  /** How far the child's wall clocks and its monotonic one are ahead of what is right now, in whole hours. */
  async function ahead(): Promise<{ wall: number; onThread: number; monotonic: number }> {
    child.stdin?.write('look\n');
    const line: unknown = (await lines.next()).value;
    const [wall, steady, onThread] = JSON.parse(String(line)) as [number, number, number];
    const hours = (time: number): number => Math.round((time - Date.now()) / HOUR) + 0;
    return { wall: hours(wall), onThread: hours(onThread), monotonic: hours(steady) };
  }

  test('moves the wall clock of a running program on all its threads, and leaves the monotonic one', async () => {
    expect(await ahead()).toEqual({ wall: 0, onThread: 0, monotonic: 0 });
    await clock.set(-HOUR);
    expect(await ahead()).toEqual({ wall: -1, onThread: -1, monotonic: 0 });
    await clock.set(2 * HOUR);
    expect(await ahead()).toEqual({ wall: 2, onThread: 2, monotonic: 0 });
    await clock.set(0);
    expect(await ahead()).toEqual({ wall: 0, onThread: 0, monotonic: 0 });
  });
});
