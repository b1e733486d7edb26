import { closeSync, fdatasync, openSync, rmSync } from 'node:fs';
import { backup, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { TrackbridgeError } from '../../../core/errors.js';
import type { BackupState } from '../../backup.js';
import { reasonOf } from '../health/failure.js';

/**
 * Pages per step. A write waits for the step in progress, and often for the ones after it: at 16 pages the slowest of 300
 * writes took 1.1 s on two busy cores, at 256 pages 1.3 s, and the 99th percentile was 0.17 s instead of 0.69 s.
 */
const PAGES = 16;

/** The pages after which what is copied is flushed. SQLite flushes at the end only, while writes wait. */
const FLUSH_EVERY = 8_192;

/**
 * Copies the open store page by page while it is written. SQLite also writes into the copy what changes in pages that
 * are copied already, because one connection does both. So the copy is the store at the moment when it is finished.
 */
export class StoreBackup {
  readonly #database: DatabaseSyncInstance;
  readonly #file: string;
  #state: BackupState = { state: 'none' };
  #flushed = 0;

  constructor(database: DatabaseSyncInstance, path: string) {
    this.#database = database;
    this.#file = `${path}.backup-in-progress`;
  }

  get state(): BackupState {
    return this.#state;
  }

  /** Throws OVERLOADED while another copy is made or kept. */
  begin(): void {
    if (this.#state.state === 'copying') {
      const problem = 'another backup of this store is being made; wait for it';
      throw new TrackbridgeError('OVERLOADED', problem, { retryAfter: 5_000 });
    }
    this.discard();
    // SQLite keeps the mode of an existing file: nobody else may read what senders sent.
    const descriptor = openSync(this.#file, 'wx', 0o600);
    this.#state = { state: 'copying', copiedPages: 0, totalPages: 0 };
    this.#flushed = 0;
    backup(this.#database, this.#file, {
      rate: PAGES,
      progress: ({ remainingPages, totalPages }) => {
        const copiedPages = totalPages - remainingPages;
        this.#state = { state: 'copying', copiedPages, totalPages };
        if (copiedPages - this.#flushed < FLUSH_EVERY) return;
        this.#flushed = copiedPages;
        fdatasync(descriptor, () => undefined);
      },
    })
      .then(
        () => {
          this.#state = { state: 'copied' };
        },
        (error: unknown) => {
          this.discard();
          this.#state = { state: 'failed', reason: reasonOf(error) };
        },
      )
      .finally(() => closeSync(descriptor));
  }

  /** Returns the path of the finished copy. Throws NOT_FOUND if there is none. */
  take(): string {
    if (this.#state.state !== 'copied') {
      throw new TrackbridgeError('NOT_FOUND', 'there is no finished backup; begin one');
    }
    return this.#file;
  }

  /** Deletes a copy, also one that an earlier process has left. */
  discard(): void {
    for (const suffix of ['', '-journal', '-wal', '-shm']) {
      rmSync(`${this.#file}${suffix}`, { force: true });
    }
    this.#state = { state: 'none' };
  }
}
