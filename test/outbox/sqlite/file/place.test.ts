import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { checkOutbox } from '../../../../src/outbox/registry.js';
import { openDatabase } from '../../../../src/outbox/sqlite/file/open.js';
import { checkStore } from '../../../../src/outbox/sqlite/health/check.js';
import { startOutboxChild } from '../../outbox-child.js';
import { temporaryPlaces } from '../../temporary-places.js';

const newPlace = temporaryPlaces();
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const OPTIONS = {
  type: 'sqlite',
  durability: 'full',
  dedupeWindow: 1,
  maxPending: 1,
  retention: { age: 1 },
  quarantine: { max: 1, keep: 1 },
  deadLetters: { max: 1, keep: 1 },
} as const;

/** How each way to use a place fails; all of them at once, since a pipe that hangs one hangs the others. */
async function refusals(path: string): Promise<Record<string, string>> {
  const messageOf = (error: unknown): string => {
    const { code, message } = error as Error & { code?: string };
    return `${code}: ${message}`;
  };
  let opening = 'it opens';
  try {
    openDatabase(path, 'full').close();
  } catch (error) {
    opening = messageOf(error);
  }
  const report = checkStore(path);
  return {
    opening,
    outboxCheck: `${report.state}: ${report.problems.join()}`,
    check: await checkOutbox({ ...OPTIONS, path }, false).then(() => 'it passes', messageOf),
  };
}

const mkfifo = async (path: string): Promise<void> => void execFileSync('mkfifo', [path]);

const listen = async (path: string): Promise<void> => {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
};

describe.skipIf(process.platform === 'win32')('a path that is', () => {
  it.each<[string, (path: string) => Promise<unknown>, string]>([
    ['a directory', (path) => mkdir(path), 'outbox.db is a directory; set outbox.path to a file'],
    ['a named pipe', mkfifo, 'outbox.db is a named pipe; set outbox.path to a file'],
    ['a socket', listen, 'outbox.db is a socket; set outbox.path to a file'],
    [
      'a device',
      (path) => symlink('/dev/null', path),
      'outbox.db is a device; set outbox.path to a file',
    ],
    [
      'a link to nothing',
      (path) => symlink(`${path}.gone`, path),
      'outbox.db is a symbolic link to a missing file; set outbox.path to a file',
    ],
    [
      'taken by a pipe where the mark belongs',
      (path) => mkfifo(`${path}-mark`),
      'outbox.db-mark is a named pipe; move outbox.db-mark away',
    ],
    [
      'taken by a directory where the -wal belongs',
      (path) => mkdir(`${path}-wal`),
      'outbox.db-wal is a directory; move outbox.db-wal away',
    ],
  ])('%s is refused before anything opens it', async (_, make, message) => {
    const place = await newPlace();
    const path = join(place, 'outbox.db');
    await make(path);
    const before = readdirSync(place);
    expect(await refusals(path)).toEqual({
      opening: `START_FAILED: ${message}`,
      outboxCheck: `unusable: ${message}`,
      check: `CONFIG_INVALID: outbox.path: ${message}`,
    });
    expect(readdirSync(place)).toEqual(before);
  });

  it('below a file is refused', async () => {
    const place = await newPlace();
    await writeFile(join(place, 'file'), '');
    const { opening, check } = await refusals(join(place, 'file', 'outbox.db'));
    expect(opening).toMatch(/^START_FAILED: outbox\.db is below a file, not a directory/);
    expect(check).toMatch(/^CONFIG_INVALID: outbox\.path: outbox\.db is below a file/);
  });

  it('missing, or a store, passes, and nothing is made', async () => {
    const path = join(await newPlace(), 'data', 'outbox.db');
    await checkOutbox({ ...OPTIONS, path }, true);
    expect(existsSync(path)).toBe(false);
    openDatabase(path, 'full').close();
    await checkOutbox({ ...OPTIONS, path }, true);
  });

  it('a link to a store has its -wal beside that store', async () => {
    const place = await newPlace();
    await mkdir(join(place, 'volume'));
    const [path, real] = [join(place, 'outbox.db'), join(place, 'volume', 'outbox.db')];
    openDatabase(real, 'full').close();
    await symlink(real, path);
    const child = await startOutboxChild(path);
    await child.ask({ do: 'append', ids: ['a'] });
    await child.kill();
    expect(existsSync(`${real}-wal`)).toBe(true);
    expect(checkStore(path)).toMatchObject({ state: 'sound', content: { events: 1 } });
    await rm(`${real}-wal`);
    expect(checkStore(path).problems).toEqual([expect.stringMatching(/^outbox\.db lacks 1 event/)]);
  });
});
