import type { Line, Settings } from '../report/result.js';

/** A part of the benchmark that can be run alone. */
export interface Section {
  readonly name: string;
  run(context: SectionContext): Promise<readonly Line[]>;
}

export interface SectionContext {
  readonly settings: Settings;
  /** Adds a sentence to the section's report. */
  note(sentence: string): void;
  /** Reports what could not be measured. The section continues. */
  fail(name: string, error: unknown): void;
  /** Reports progress. */
  progress(line: string): void;
}
