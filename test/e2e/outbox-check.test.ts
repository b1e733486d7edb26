import { readdirSync, readFileSync } from 'node:fs';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { makeDirectory, type Receiver, runCommand, startReceiver } from '../support/receiver.js';
import { deliverSegment, trackText } from '../support/sender.js';

const SECRET = 'a-secret-of-the-test';
const directories: string[] = [];
let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.end('SIGKILL');
  receiver = undefined;
});
afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

const config = {
  server: { port: 0 },
  sources: {
    in: {
      type: 'segment',
      path: '/in',
      verify: { scheme: 'segment-signature', secrets: [SECRET] },
    },
  },
  // Port 9: nobody listens, so what is accepted stays pending.
  sinks: { orders: { type: 'http', url: 'http://127.0.0.1:9/', allowPrivateAddresses: true } },
};

/** A receiver that has accepted two events and put one entry into quarantine. */
async function started(): Promise<Receiver> {
  const directory = await makeDirectory();
  directories.push(directory);
  receiver = await startReceiver({ directory, config });
  for (const id of ['a', 'b']) {
    const { status } = await deliverSegment(`${receiver.url}/in`, trackText(id), SECRET);
    expect(status).toBe(200);
  }
  const invalid = await deliverSegment(`${receiver.url}/in`, '{"type":"nonsense"}', SECRET);
  expect(invalid.status).toBe(422);
  return receiver;
}

const check = (cwd: string, ...args: string[]) => runCommand(['outbox', 'check', ...args], { cwd });
const byConfig = (cwd: string) => check(cwd, '--config', 'trackbridge.json', '--json');
const inData = (directory: string) => join(directory, 'data');

function contents(directory: string): Record<string, string> {
  const names = readdirSync(inData(directory));
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(inData(directory), name), 'base64')]),
  );
}

const IN_IT = {
  accepted: 2,
  quarantined: 1,
  lastPosition: 2,
  events: 2,
  inQuarantine: 1,
  deadLetters: 0,
  sinks: [
    expect.objectContaining({ name: 'orders', configured: true, pending: 2, deadLetters: 0 }),
  ],
};

describe('trackbridge outbox check', () => {
  it.each([
    ['SIGKILL', false],
    ['SIGTERM', true],
  ] as const)(
    'says what is in the outbox of a receiver that ended by %s, and changes no byte',
    async (signal, closed) => {
      const { directory, end } = await started();
      await end(signal);
      const before = contents(directory);
      const { code, stdout, stderr } = await byConfig(directory);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).toMatchObject({
        state: 'sound',
        problems: [],
        mark: { tail: 2, quarantined: 1, durability: 'full', closed },
        content: IN_IT,
      });
      const text = await check(directory);
      expect(text.code).toBe(0);
      expect(text.stdout).toMatch(/^state +sound$/m);
      expect(text.stdout).toMatch(/^orders +yes +2 +\d+s +0 +0$/m);
      expect(contents(directory)).toEqual(before);
    },
  );

  it('says that a running receiver has it open, and leaves that alone', async () => {
    const { directory, url } = await started();
    const { code, stdout, stderr } = await check(directory);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^trackbridge: outbox\.db is in use; stop the receiver[^\n]*\n$/);
    const { status } = await deliverSegment(`${url}/in`, trackText('c'), SECRET);
    expect(status).toBe(200);
  });

  it('says how much that was acknowledged is missing where the -wal is gone', async () => {
    const { directory, end } = await started();
    await end('SIGKILL');
    await rm(join(inData(directory), 'outbox.db-wal'));
    const before = contents(directory);
    const { code, stdout, stderr } = await byConfig(directory);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'damaged' });
    expect(stderr).toMatch(
      /^trackbridge: outbox\.db lacks 2 events and 1 quarantined entry that were acknowledged[^\n]*\n$/,
    );
    expect(contents(directory)).toEqual(before);
    // The receiver says the same, and ends with 2.
    const start = startReceiver({ directory, config });
    await expect(start).rejects.toThrow(/^exit 2: .*lacks 2 events/s);
  });

  it.each<[string, RegExp, (file: string) => Promise<void>]>([
    [
      'is overwritten',
      /outbox\.db cannot be read \(.*malformed\); restore a backup/,
      (file) => {
        const bytes = readFileSync(file);
        return writeFile(file, bytes.fill(0x5a, 8_192, bytes.length - 8_192));
      },
    ],
    ['is cut off', /outbox\.db is cut off; restore a backup/, (file) => truncate(file, 40_960)],
    ['is empty', /outbox\.db is empty; restore a backup/, (file) => truncate(file, 0)],
  ])('says how to recover one that %s', async (_, problem, spoil) => {
    const { directory, end } = await started();
    await end();
    await spoil(join(inData(directory), 'outbox.db'));
    const before = contents(directory);
    const { code, stderr } = await check(directory);
    expect(code).toBe(1);
    expect(stderr).toMatch(problem);
    for (const line of stderr.trimEnd().split('\n')) expect(line).toMatch(/^trackbridge: /);
    expect(contents(directory)).toEqual(before);
  });

  it('fails where there is none yet, so that a wrong path does not look sound', async () => {
    const { code, stdout, stderr } = await check(await makeDirectory(), '--path', 'nowhere.db');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^trackbridge: there is no outbox at nowhere\.db; [^\n]*\n$/);
  });

  it('fails as wrong usage where it cannot know which', async () => {
    const cwd = await makeDirectory();
    await writeFile(join(cwd, 'm.json'), JSON.stringify({ ...config, outbox: { type: 'memory' } }));
    const inMemory = await check(cwd, '--config', 'm.json');
    expect(inMemory).toMatchObject({ code: 2, stderr: expect.stringMatching(/has no file/) });
    const both = await check(cwd, '--config', 'm.json', '--path', 'outbox.db');
    expect(both).toMatchObject({ code: 2, stderr: expect.stringMatching(/cannot be used with/) });
  });
});
