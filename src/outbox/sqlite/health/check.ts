import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { messageOf } from '../../../core/errors.js';
import { explainOpening, refuseOrphan } from '../file/open.js';
import { refuseIrregular, walPath } from '../file/place.js';
import { MIGRATIONS } from '../file/schema.js';
import { readContent, type StoreContent } from './content.js';
import { isBusy } from './failure.js';
import {
  explainReading,
  inspectHead,
  readFileAlone,
  readOnly,
  readProgress,
  refuseForeignLog,
  refuseUnsound,
} from './inspect.js';
import { refuseLoss, refuseMissing } from './loss.js';
import { type Mark, readMark } from './mark.js';

export interface StoreReport {
  /**
   * `missing`: there is no store yet. `in use`: another process has it open. `unusable`: it belongs to a newer version
   * or another program, or cannot be read. Its content is unknown in these cases.
   */
  readonly state: 'sound' | 'damaged' | 'missing' | 'in use' | 'unusable';
  /** One line for each problem: its cause and what the operator must do. */
  readonly problems: readonly string[];
  /** Noteworthy facts although nothing is wrong. */
  readonly warnings: readonly string[];
  /** Bytes. */
  readonly size?: { readonly database: number; readonly wal: number };
  readonly mark?: Mark | 'none' | 'unreadable';
  /** Absent if it cannot be read. */
  readonly content?: StoreContent;
}

/**
 * Reads every byte of the store at `path`, and reports its content and whether it is sound. Opens nothing for writing
 * and leaves every file unchanged. Takes as long as reading the file. Never throws.
 */
export function checkStore(path: string): StoreReport {
  const file = resolve(path);
  const findings = new Findings(file);
  findings.attempt(() => refuseIrregular(file));
  // Read before the store, as at the start: a receiver that is just starting may be writing both.
  const mark = findings.state === 'sound' ? findings.attempt(() => readMark(file)) : undefined;
  if (mark === undefined) {
    return { state: findings.state, problems: findings.problems, warnings: [] };
  }
  if (!existsSync(file)) {
    findings.attempt(() => refuseOrphan(file));
    if (findings.state === 'sound') findings.attempt(() => refuseMissing(file, mark));
    const { state, problems } = findings;
    return { state: state === 'sound' ? 'missing' : state, problems, warnings: [] };
  }
  const wal = statSync(walPath(file), { throwIfNoEntry: false })?.size ?? 0;
  const size = { database: statSync(file).size, wal };
  const warnings: string[] = [];
  let content: StoreContent | undefined;
  findings.attempt(() => inspectHead(file, MIGRATIONS.length));
  if (findings.state === 'sound') {
    findings.attempt(() =>
      readUnchanged(file, (database) => {
        const read = (work: () => void) => findings.attempt(work, explainReading);
        read(() => refuseForeignLog(file, readProgress(database)));
        read(() => refuseUnsound(file, database, 'integrity_check'));
        read(() => warnings.push(...refuseLoss(file, mark, readProgress(database))));
        read(() => {
          const { content: found, problems } = readContent(database);
          content = found;
          for (const problem of problems) findings.add(problem);
        });
      }),
    );
  }
  const { state, problems } = findings;
  const report = { state, problems, warnings, size, mark };
  // Content that was read while another process wrote is meaningless.
  return content === undefined || state === 'in use' ? report : { ...report, content };
}

/** Collects problems, each once: in a damaged file, several checks meet the same problem. */
class Findings {
  readonly #file: string;
  readonly #problems = new Set<string>();
  #state: 'sound' | 'damaged' | 'in use' | 'unusable' = 'sound';

  constructor(file: string) {
    this.#file = file;
  }

  get state(): 'sound' | 'damaged' | 'in use' | 'unusable' {
    return this.#state;
  }

  get problems(): readonly string[] {
    return [...this.#problems];
  }

  add(problem: string): void {
    this.#state = 'damaged';
    this.#problems.add(
      `${basename(this.#file)}: ${problem}; restore a backup, or continue with the remaining data`,
    );
  }

  /** Returns the result of `work`. `explain` turns what it throws into an error of ours. */
  attempt<T>(work: () => T, explain = explainOpening): T | undefined {
    try {
      return work();
    } catch (error) {
      const told = explain(this.#file, error);
      if (isBusy(told.cause)) {
        this.#state = 'in use';
        this.#problems.clear();
        this.#problems.add(
          `${basename(this.#file)} is in use; stop the receiver to check it, or query the running receiver: trackbridge stats`,
        );
      } else if (this.#state !== 'in use') {
        this.#state = told.code === 'OUTBOX_CORRUPT' ? 'damaged' : 'unusable';
        const cause = told.cause === undefined ? '' : messageOf(told.cause);
        this.#problems.add(
          told.message.includes(cause) ? told.message : `${told.message} (${cause})`,
        );
      }
      return undefined;
    }
  }
}

/**
 * Reads the store as immutable, which creates no file. Without a -wal no process has the store open, so this is safe.
 * If a -wal appears meanwhile, a receiver has started, and an attempt to read the store the other way reports it.
 */
function readUnchanged(file: string, work: (database: DatabaseSyncInstance) => void): void {
  if (!existsSync(walPath(file))) {
    readFileAlone(file, work);
    if (!existsSync(walPath(file))) return;
  }
  readOnly(file, work);
}
