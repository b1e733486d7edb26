import type { FileHandle } from 'node:fs/promises';

const LINE_FEED = 0x0a;
const CHUNK = 64 * 1024;
// Far more than the largest event that a body limit allows. A longer line was not written by this sink and must not be
// read into memory.
const LONGEST_LINE = 64 * 1024 * 1024;

/** The repair: none, the missing line feed was added, or the torn line was cut off. */
export type Repair = 'whole' | 'completed' | 'cut off';

/**
 * Repairs the end of a file whose last write was torn by a power loss. A last line without line feed is completed if it
 * is a whole JSON value. It is cut off if it is the beginning of an object of this sink, which was then never reported
 * as delivered. Any other text was written by somebody else and only gets its line feed. Reads backward no further than
 * the start of that line.
 */
export async function repairTail(handle: FileHandle): Promise<Repair> {
  const { size } = await handle.stat();
  const line = await lastLine(handle, size);
  if (line?.length === 0) return 'whole';
  if (line !== undefined && isTorn(line)) {
    await handle.truncate(size - line.length);
    await handle.datasync();
    return 'cut off';
  }
  await handle.write('\n');
  await handle.datasync();
  return 'completed';
}

/** Returns what follows the last line feed; undefined if it is longer than a line of this sink can be. */
async function lastLine(handle: FileHandle, size: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let start = size;
  while (start > 0) {
    if (size - start >= LONGEST_LINE) return undefined;
    const end = start;
    start = Math.max(0, end - CHUNK);
    const chunk = await readRange(handle, start, end);
    const lineFeed = chunk.lastIndexOf(LINE_FEED);
    chunks.unshift(chunk.subarray(lineFeed + 1));
    if (lineFeed >= 0) break;
  }
  return Buffer.concat(chunks);
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.alloc(end - start);
  let read = 0;
  while (read < buffer.length) {
    const { bytesRead } = await handle.read(buffer, read, buffer.length - read, start + read);
    if (bytesRead === 0) throw new Error('it became shorter while it was read');
    read += bytesRead;
  }
  return buffer;
}

/** Blocks that were allocated but not written before a power loss read as zeros. */
function isTorn(line: Buffer): boolean {
  if (line[0] !== 0x7b && !line.includes(0)) return false;
  try {
    JSON.parse(line.toString());
    return false;
  } catch {
    return true;
  }
}
