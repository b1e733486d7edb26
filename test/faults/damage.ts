import { open, readFile, rm, stat, truncate } from 'node:fs/promises';

/** A way to damage the store at `file`. */
export interface Damage {
  readonly name: string;
  inflict(file: string): Promise<void>;
}

// Both formats: https://www.sqlite.org/fileformat2.html
const PAGE_SIZE_AT = 16;
const WAL_HEADER = 32;
const WAL_SALT_AT = 16;
const FRAME_HEADER = 24;
const FRAME_SALT_AT = 8;
const SALT = 8;

/** What a power cut, a careless hand or a bad disk does to a store. */
export const DAMAGES: readonly Damage[] = [
  {
    name: 'half a page that was still being written behind the last of the -wal',
    async inflict(file) {
      const { end, pageSize } = await walOf(file);
      await overwrite(`${file}-wal`, end, garbage(FRAME_HEADER + pageSize / 2));
    },
  },
  {
    name: 'the last page of the -wal torn',
    async inflict(file) {
      const { end, pageSize } = await walOf(file);
      await overwrite(`${file}-wal`, end - pageSize / 2, Buffer.alloc(pageSize / 2));
    },
  },
  {
    name: 'the -wal cut in the middle',
    async inflict(file) {
      await truncate(`${file}-wal`, Math.floor((await walOf(file)).end / 2));
    },
  },
  { name: 'the -wal removed', inflict: (file) => rm(`${file}-wal`) },
  { name: 'the file removed', inflict: (file) => rm(file) },
  {
    name: 'the last page of the file torn',
    async inflict(file) {
      const pageSize = await pageSizeOf(file);
      await truncate(file, (await stat(file)).size - pageSize / 2);
    },
  },
  {
    name: 'garbage over the head of the file',
    inflict: (file) => overwrite(file, 0, garbage(512)),
  },
  {
    name: 'garbage over a page in the middle of the file',
    async inflict(file) {
      const pageSize = await pageSizeOf(file);
      const pages = (await stat(file)).size / pageSize;
      await overwrite(file, Math.floor(pages / 2) * pageSize, garbage(pageSize));
    },
  },
  {
    name: 'garbage over 64 bytes inside an event',
    async inflict(file) {
      const pageSize = await pageSizeOf(file);
      const pages = (await stat(file)).size / pageSize;
      // Events fill a page from its end.
      await overwrite(file, (Math.floor(pages / 2) + 1) * pageSize - 1_024, garbage(64));
    },
  },
  {
    name: 'zeros over the second half of the file',
    async inflict(file) {
      const half = Math.floor((await stat(file)).size / 2);
      await overwrite(file, half, Buffer.alloc(half));
    },
  },
];

/** Bytes that look like nothing, the same ones each time. */
function garbage(size: number): Buffer {
  return Buffer.from(
    Array.from({ length: size }, (_, at) => (at * 167 + (at >> 3) * 89 + 41) & 255),
  );
}

async function overwrite(file: string, at: number, bytes: Buffer): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.write(bytes, 0, bytes.length, at);
  } finally {
    await handle.close();
  }
}

async function pageSizeOf(file: string): Promise<number> {
  return (await readFile(file)).readUInt16BE(PAGE_SIZE_AT);
}

/** Where the frames of the -wal end that belong to its latest round; what stands behind them is of an earlier one. */
async function walOf(file: string): Promise<{ readonly end: number; readonly pageSize: number }> {
  const wal = await readFile(`${file}-wal`);
  const pageSize = await pageSizeOf(file);
  const salt = wal.subarray(WAL_SALT_AT, WAL_SALT_AT + SALT);
  let end = WAL_HEADER;
  while (wal.subarray(end + FRAME_SALT_AT, end + FRAME_SALT_AT + SALT).equals(salt)) {
    end += FRAME_HEADER + pageSize;
  }
  return { end, pageSize };
}
