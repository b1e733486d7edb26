import { type FileHandle, open } from 'node:fs/promises';

/** Opens real files whose writes and syncs can be made to fail or to hang. */
export interface FaultyDisk {
  readonly open: typeof open;
  /** Writes fail with this code, the first of them after `bytes` bytes went through. */
  failWrites(code: string, bytes?: number): void;
  failSyncs(code: string): void;
  /** Writes wait until the disk is mended. */
  stall(): void;
  mend(): void;
  syncs(): number;
  opened(): number;
}

export function faultyDisk(): FaultyDisk {
  let writes: { code: string; left: number } | undefined;
  let sync: string | undefined;
  let gate = Promise.resolve();
  let release = (): void => {};
  let syncs = 0;
  let opened = 0;
  const fault = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });

  const wrap = (handle: FileHandle): FileHandle => {
    const write = handle.write.bind(handle) as (
      bytes: Buffer,
      from: number,
      length: number,
    ) => Promise<{ bytesWritten: number }>;
    const datasync = handle.datasync.bind(handle);
    return Object.assign(handle, {
      write: async (bytes: Buffer, from: number, length: number) => {
        await gate;
        if (!writes) return write(bytes, from, length);
        if (writes.left === 0) throw fault(writes.code);
        const short = Math.min(writes.left, length);
        writes.left = 0;
        return write(bytes, from, short);
      },
      datasync: async () => {
        if (sync !== undefined) throw fault(sync);
        syncs++;
        await datasync();
      },
    });
  };

  return {
    open: async (...args) => {
      opened++;
      return wrap(await open(...args));
    },
    failWrites: (code, bytes = 0) => {
      writes = { code, left: bytes };
    },
    failSyncs: (code) => {
      sync = code;
    },
    stall: () => {
      gate = new Promise((resolve) => {
        release = resolve;
      });
    },
    mend: () => {
      writes = undefined;
      sync = undefined;
      release();
      gate = Promise.resolve();
    },
    syncs: () => syncs,
    opened: () => opened,
  };
}
