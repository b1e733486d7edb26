import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { messageOf } from '../errors.js';
import { readContent, type StoreContent } from './sqlite-content.js';
import { isBusy } from './sqlite-failure.js';
import {
  explainReading,
  inspectHead,
  readFileAlone,
  readOnly,
  readProgress,
  refuseForeignLog,
  refuseUnsound,
} from './sqlite-inspect.js';
import { refuseLoss, refuseMissing } from './sqlite-loss.js';
import { type Mark, readMark } from './sqlite-mark.js';
import { explainOpening, refuseOrphan } from './sqlite-open.js';
import { MIGRATIONS } from './sqlite-schema.js';

export interface StoreReport {
  /**
   * `missing`: there is no store yet. `in use`: another process has it open. `unusable`: it is of a newer version or
   * another program's, or may not be read. Nothing is known of it in these cases.
   */
  readonly state: 'sound' | 'damaged' | 'missing' | 'in use' | 'unusable';
  /** What is wrong and what to do about it, a line each. */
  readonly problems: readonly string[];
  /** What is worth knowing though nothing is wrong. */
  readonly warnings: readonly string[];
  /** Bytes. */
  readonly size?: { readonly database: number; readonly wal: number };
  readonly mark?: Mark | 'none' | 'unreadable';
  /** Absent where it cannot be read. */
  readonly content?: StoreContent;
}

/**
 * Looks at every byte of the store at `path` and says what is in it and whether it is sound. Opens nothing for writing
 * and leaves every file as it is. Takes as long as the file takes to read. Never throws.
 */
export function checkStore(path: string): StoreReport {
  const file = resolve(path);
  // Before the store, as at the start: a receiver that is just starting may be writing both.
  const mark = readMark(file);
  const findings = new Findings(file);
  if (!existsSync(file)) {
    findings.attempt(() => refuseOrphan(file));
    if (findings.state === 'sound') findings.attempt(() => refuseMissing(file, mark));
    const { state, problems } = findings;
    return { state: state === 'sound' ? 'missing' : state, problems, warnings: [] };
  }
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
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
  // What was read while somebody wrote means nothing.
  return content === undefined || state === 'in use' ? report : { ...report, content };
}

/** Collects what is wrong, each once: where a file is damaged, one look after another runs into the same. */
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
      `${basename(this.#file)}: ${problem}; restore a backup, or go on with what is there`,
    );
  }

  /** `explain` makes an error of ours of what `work` throws. */
  attempt(work: () => void, explain = explainOpening): void {
    try {
      work();
    } catch (error) {
      const told = explain(this.#file, error);
      if (isBusy(told.cause)) {
        this.#state = 'in use';
        this.#problems.clear();
        this.#problems.add(
          `${basename(this.#file)} is in use; stop the receiver to check it, or ask the running one: trackbridge stats`,
        );
      } else if (this.#state !== 'in use') {
        this.#state = told.code === 'OUTBOX_CORRUPT' ? 'damaged' : 'unusable';
        const cause = told.cause === undefined ? '' : messageOf(told.cause);
        this.#problems.add(
          told.message.includes(cause) ? told.message : `${told.message} (${cause})`,
        );
      }
    }
  }
}

/**
 * Where there is no -wal, nobody has the store open, and reading it as one that never changes makes no file at all.
 * Should one turn up meanwhile, a receiver has started, and a try to read it the other way says so.
 */
function readUnchanged(file: string, work: (database: DatabaseSyncInstance) => void): void {
  if (!existsSync(`${file}-wal`)) {
    readFileAlone(file, work);
    if (!existsSync(`${file}-wal`)) return;
  }
  readOnly(file, work);
}
