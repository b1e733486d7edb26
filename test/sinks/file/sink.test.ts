import {
  appendFile,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineFile } from '../../../src/sinks/file/lines.js';
import { FileSink, fileSink } from '../../../src/sinks/file/sink.js';
import { type Bench, sinkContract } from '../contract.js';
import { sinkContext, sinkEvent } from '../events.js';
import { faultyDisk } from './faulty-disk.js';

const never = (): AbortSignal => new AbortController().signal;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trackbridge-file-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function linesOf(path: string): Promise<unknown[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  expect(text === '' || text.endsWith('\n')).toBe(true);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const value = (id: string): unknown => sinkEvent(id).event;

sinkContract('file', async (): Promise<Bench> => {
  const path = join(directory, 'deep', 'er', 'events.ndjson');
  const disk = faultyDisk();
  await writeFile(join(directory, 'a-file'), '');
  return {
    sink: new FileSink(new LineFile(path, { repaired: () => {}, openFile: disk.open })),
    broken: new FileSink(
      new LineFile(join(directory, 'a-file', 'events.ndjson'), { repaired: () => {} }),
    ),
    received: () => linesOf(path),
    stall: () => disk.stall(),
    fail: () => disk.failWrites('EIO'),
    mend: () => disk.mend(),
    secrets: [],
    dispose: async () => {},
  };
});

describe('file', () => {
  let path: string;
  let warnings: string[];
  beforeEach(() => {
    path = join(directory, 'events.ndjson');
    warnings = [];
  });

  const open = async (options: object = {}) => {
    const sink = await fileSink.create({ path, ...options }, sinkContext(warnings));
    await sink.open();
    return sink;
  };

  it('keeps the file and the directories it creates to their owner', async () => {
    path = join(directory, 'new', 'dir', 'events.ndjson');
    const sink = await open();
    await sink.close();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'new', 'dir'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(directory, 'new'))).mode & 0o777).toBe(0o700);
  });

  it('appends to what is there', async () => {
    await writeFile(path, '{"messageId":"old"}\n');
    const sink = await open();
    await sink.deliver([sinkEvent('new')], never());
    await sink.close();
    expect(await linesOf(path)).toEqual([{ messageId: 'old' }, value('new')]);
    expect(warnings).toEqual([]);
  });

  it('writes what several lanes deliver meanwhile with one fdatasync', async () => {
    const disk = faultyDisk();
    const sink = new FileSink(new LineFile(path, { repaired: () => {}, openFile: disk.open }));
    await sink.open();
    await Promise.all(
      Array.from({ length: 20 }, (_, lane) => sink.deliver([sinkEvent(`m-${lane}`)], never())),
    );
    await sink.close();
    expect(disk.syncs()).toBe(2);
    expect(await linesOf(path)).toHaveLength(20);
  });

  it('writes JSON text that has line breaks between its tokens as one line', async () => {
    const sink = await open();
    const event = sinkEvent('a', { text: 'x\ny' });
    await sink.deliver([{ ...event, json: JSON.stringify(event.event, null, 2) }], never());
    await sink.close();
    expect(await linesOf(path)).toEqual([event.event]);
  });

  it('does not write an attempt that was given up while it waited', async () => {
    const disk = faultyDisk();
    const sink = new FileSink(new LineFile(path, { repaired: () => {}, openFile: disk.open }));
    await sink.open();
    disk.stall();
    const first = sink.deliver([sinkEvent('first')], never());
    const controller = new AbortController();
    const second = sink.deliver([sinkEvent('second')], controller.signal);
    controller.abort();
    await expect(second).rejects.toMatchObject({ retryable: true });
    disk.mend();
    await first;
    await sink.close();
    expect(await linesOf(path)).toEqual([value('first')]);
  });

  it.each([
    ['ENOSPC', 'the disk is full (ENOSPC)'],
    ['EIO', 'the disk reports an input/output error (EIO)'],
  ])('cuts half a line off again when the disk says %s in the middle', async (code, why) => {
    const disk = faultyDisk();
    const sink = new FileSink(new LineFile(path, { repaired: () => {}, openFile: disk.open }));
    await sink.open();
    await sink.deliver([sinkEvent('a')], never());
    disk.failWrites(code, 40);
    await expect(sink.deliver([sinkEvent('b')], never())).rejects.toMatchObject({
      retryable: true,
      message: `${path} cannot be written: ${why}`,
    });
    expect(await linesOf(path)).toEqual([value('a')]);
    disk.mend();
    await sink.deliver([sinkEvent('b')], never());
    await sink.close();
    expect(await linesOf(path)).toEqual([value('a'), value('b')]);
  });

  it('opens the file again after a failed fdatasync, and leaves nothing of the batch in it', async () => {
    const disk = faultyDisk();
    const sink = new FileSink(new LineFile(path, { repaired: () => {}, openFile: disk.open }));
    await sink.open();
    disk.failSyncs('EIO');
    await expect(sink.deliver([sinkEvent('a')], never())).rejects.toMatchObject({
      retryable: true,
    });
    expect(await linesOf(path)).toEqual([]);
    disk.mend();
    await sink.deliver([sinkEvent('a')], never());
    await sink.close();
    expect(disk.opened()).toBe(2);
    expect(await linesOf(path)).toEqual([value('a')]);
  });

  it.each([
    ['moved by logrotate', (from: string) => rename(from, `${from}.old`)],
    ['deleted', (from: string) => unlink(from)],
  ])('begins a new file when the old one was %s', async (_, disturb) => {
    const sink = await open();
    await sink.deliver([sinkEvent('a')], never());
    await disturb(path);
    await sink.deliver([sinkEvent('b')], never());
    await sink.close();
    expect(await linesOf(path)).toEqual([value('b')]);
  });

  it('says that a path is a directory, in check and in open', async () => {
    await mkdir(path);
    const sink = await fileSink.create({ path }, sinkContext());
    await expect(sink.check()).rejects.toThrow(`${path} cannot be written: it is a directory`);
    await expect(sink.open()).rejects.toThrow(
      `${path} cannot be opened: it is a directory (EISDIR)`,
    );
  });

  it('does not mend or create anything on check', async () => {
    await writeFile(path, '{"torn');
    await (await fileSink.create({ path }, sinkContext())).check();
    expect(await readFile(path, 'utf8')).toBe('{"torn');
    const missing = join(directory, 'not', 'there', 'x');
    await (await fileSink.create({ path: missing }, sinkContext())).check();
    await expect(stat(join(directory, 'not'))).rejects.toThrow('ENOENT');
  });

  describe('finds a last line without line feed', () => {
    const long = JSON.stringify({ text: 'x'.repeat(300_000) });
    it.each([
      ['torn', '{"a":1}\n', '{"a":2,"b', true, ''],
      ['torn in the first line', '', '{"a":2,"b', true, ''],
      ['torn and long', '{"a":1}\n', long.slice(0, -1), true, ''],
      ['of zeros that were never written', '{"a":1}\n', '\0'.repeat(5000), true, ''],
      ['whole', '{"a":1}\n', '{"a":2}', true, '{"a":2}\n'],
      ['whole and long', '{"a":1}\n', long, true, `${long}\n`],
      ['that is no line of ours', '', 'my notes', true, 'my notes\n'],
      ['nowhere in a whole file', '{"a":1}\n', '', false, ''],
    ])('%s', async (_, before, tail, told, after) => {
      await writeFile(path, before + tail);
      const sink = await open();
      await sink.close();
      expect(await readFile(path, 'utf8')).toBe(before + after);
      expect(warnings).toHaveLength(told ? 1 : 0);
    });
  });

  describe('with rotation', () => {
    const size = sinkEvent('m-0').json.length + 1;

    it('begins a new file before one grows beyond the size, and keeps as many as asked for', async () => {
      const sink = await open({ rotate: { size: 2 * size, keep: 2 } });
      for (let i = 0; i < 9; i++) await sink.deliver([sinkEvent(`m-${i}`)], never());
      await sink.close();
      expect(await linesOf(path)).toEqual([value('m-8')]);
      expect(await linesOf(`${path}.1`)).toEqual([value('m-6'), value('m-7')]);
      expect(await linesOf(`${path}.2`)).toEqual([value('m-4'), value('m-5')]);
      await expect(stat(`${path}.3`)).rejects.toThrow('ENOENT');
    });

    it('counts what was there before it was started', async () => {
      await writeFile(path, `${sinkEvent('m-0').json}\n`);
      const sink = await open({ rotate: { size: size + 1, keep: 1 } });
      await sink.deliver([sinkEvent('m-1')], never());
      await sink.close();
      expect(await linesOf(path)).toEqual([value('m-1')]);
      expect(await linesOf(`${path}.1`)).toEqual([value('m-0')]);
    });

    it('gives a batch larger than the size a file to itself', async () => {
      const sink = await open({ rotate: { size: 10, keep: 3 } });
      await sink.deliver([sinkEvent('m-0'), sinkEvent('m-1')], never());
      await sink.deliver([sinkEvent('m-2')], never());
      await sink.close();
      expect(await linesOf(path)).toEqual([value('m-2')]);
      expect(await linesOf(`${path}.1`)).toEqual([value('m-0'), value('m-1')]);
    });

    it('loses nothing when renaming fails', async () => {
      await mkdir(`${path}.1`);
      await appendFile(join(`${path}.1`, 'in-the-way'), '');
      const sink = await open({ rotate: { size, keep: 1 } });
      await sink.deliver([sinkEvent('m-0')], never());
      await expect(sink.deliver([sinkEvent('m-1')], never())).rejects.toMatchObject({
        retryable: true,
        message: expect.stringContaining('cannot be rotated'),
      });
      await rm(`${path}.1`, { recursive: true });
      await sink.deliver([sinkEvent('m-1')], never());
      await sink.close();
      expect(await linesOf(path)).toEqual([value('m-1')]);
      expect(await linesOf(`${path}.1`)).toEqual([value('m-0')]);
    });
  });
});
