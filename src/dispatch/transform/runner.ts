import { type Child, ChildLost } from '../../core/child/child.js';
import { watchChild } from '../../core/child/watch.js';
import { type Clock, turn } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import type { DispatchLog } from '../ports.js';
import type { LoadReply, LoadRequest, Result, RunPart, RunRequest } from './messages.js';

/** The result of a transform for one event. */
export type Transformed =
  | { readonly kind: 'events'; readonly texts: readonly string[] }
  /** It failed, and a retry would fail the same way. */
  | { readonly kind: 'failed'; readonly error: string }
  /**
   * It did not return. `crashed`: this event is the cause; otherwise the event was only in the process when it ended.
   */
  | { readonly kind: 'lost'; readonly error: string; readonly crashed: boolean };

/** A loaded transform. */
export interface TransformRunner {
  /**
   * Runs the transform on these events, in order. Resolves to one result per event, or to fewer: to those up to the
   * first lost one, or to as many as made enough text for now. Never rejects.
   */
  run(texts: readonly string[]): Promise<readonly Transformed[]>;
  /** Ends the process. Events under way are lost. */
  close(): Promise<void>;
}

export interface RunnerOptions {
  readonly sink: string;
  readonly log: DispatchLog;
  readonly clock: Clock;
  /** The most milliseconds that one event may take. */
  readonly timeout: number;
  readonly load: LoadRequest;
  readonly startChild: () => Child;
}

/** The most events sent to the process in one message. */
const MOST_EVENTS = 256;
const MOST_CHARACTERS = 512 * 1024;

/** The most milliseconds without a sign of life while the process starts and loads the module. */
const LOAD_WITHIN = 30_000;

interface Job {
  readonly text: string;
  readonly run: Run;
  /** It was in the process when that ended and may be the cause, so it is run alone. */
  suspect: boolean;
  result: Transformed | 'later' | undefined;
}

interface Run {
  readonly jobs: readonly Job[];
  /** How many of them have no result yet. */
  open: number;
  readonly resolve: (results: readonly Transformed[]) => void;
}

/**
 * Runs a transform in a process of its own, which is restarted when it ends.
 *
 * All lanes of a sink share the process. It works on one message at a time; what lanes request meanwhile goes into the
 * next message. Only events whose transform returned a promise are awaited next to that. If the process ends and the
 * event that caused it is not known, all events that were in it are run again one by one: an event that is alone is
 * then the cause.
 */
export class ProcessRunner implements TransformRunner {
  readonly #options: RunnerOptions;
  /** By message: events that were sent and have no result yet. */
  readonly #inside = new Map<number, readonly Job[]>();
  #queue: Job[] = [];
  #child: Child | undefined;
  #passing = false;
  #loading: number | undefined;
  #starting: Promise<string | undefined> | undefined;
  #watched: Child | undefined;
  readonly #closed = new AbortController();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Starts the process and loads the transform. Resolves to what is wrong with it; undefined if it is ready. */
  start(): Promise<string | undefined> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  run(texts: readonly string[]): Promise<readonly Transformed[]> {
    if (texts.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const jobs: Job[] = [];
      const run: Run = { jobs, open: texts.length, resolve };
      for (const text of texts) jobs.push({ text, run, suspect: false, result: undefined });
      this.#queue.push(...jobs);
      void this.#pump();
    });
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#child?.end();
    this.#loseAll('was ended');
  }

  async #start(): Promise<string | undefined> {
    const { load, log, sink, startChild } = this.#options;
    const child = startChild();
    this.#child = child;
    void child.lost.then(({ reason }) => {
      if (this.#closed.signal.aborted) return;
      log.warn({ sink, reason }, 'the process of the transform ended; Trackbridge restarts it');
    });
    const { id, reply } = child.call('load', load);
    this.#loading = id;
    void this.#watch(child);
    try {
      return ((await reply) as LoadReply) ?? undefined;
    } catch (error) {
      return error instanceof ChildLost ? error.reason : messageOf(error);
    } finally {
      this.#loading = undefined;
    }
  }

  async #pump(): Promise<void> {
    if (this.#passing || this.#queue.length === 0) return;
    this.#passing = true;
    try {
      // Includes what other lanes request in this turn of the event loop.
      await turn();
      const problem = this.#child?.alive === true ? undefined : await this.#restart();
      if (problem !== undefined) return this.#loseAll(problem);
      const child = this.#child;
      const jobs = this.#next();
      if (child === undefined || jobs.length === 0) return;
      await this.#pass(child, jobs);
    } finally {
      this.#passing = false;
      // An event that is run alone waits until the process is empty. The end of the last job checks again.
      if (this.#queue.length > 0 && !(this.#queue[0]?.suspect && this.#inside.size > 0)) {
        void this.#pump();
      }
    }
  }

  async #restart(): Promise<string | undefined> {
    if (this.#closed.signal.aborted) return 'was ended';
    return await this.start();
  }

  /** Returns the content of the next message: a suspect alone, and only when the process is empty. */
  #next(): readonly Job[] {
    let count = 0;
    let characters = 0;
    for (const { suspect, text } of this.#queue) {
      if (suspect && count > 0) break;
      if (suspect && this.#inside.size > 0) return [];
      if (count >= MOST_EVENTS || (count > 0 && characters + text.length > MOST_CHARACTERS)) break;
      count += 1;
      characters += text.length;
      if (suspect) break;
    }
    return this.#queue.splice(0, count);
  }

  /** Resolves once the transform was called for all of these or the process has ended. */
  #pass(child: Child, jobs: readonly Job[]): Promise<void> {
    const alone = jobs[0]?.suspect === true;
    return new Promise((resolve) => {
      const texts: RunRequest = jobs.map(({ text }) => text);
      const { id, reply } = child.call('run', texts, (part) => {
        const { from, ran, results } = part as RunPart;
        for (const [at, result] of results.entries()) {
          const job = jobs[from + at];
          if (job !== undefined && result !== null) settle(job, transformed(result));
        }
        if (ran === undefined) return;
        for (const job of jobs.slice(ran)) settle(job, 'later');
        if (!alone) resolve();
      });
      this.#inside.set(id, jobs);
      void this.#watch(child);
      const done = (): void => {
        this.#inside.delete(id);
        resolve();
        void this.#pump();
      };
      reply.then(done, (error: unknown) => {
        this.#lost(error);
        done();
      });
    });
  }

  /**
   * The process ended with these events in it. The cause is the event whose own code ended it, even after a while; or
   * the event that was alone in it; or none of them, if the module itself ended it.
   */
  #lost(error: unknown): void {
    const inside = new Map(this.#inside);
    this.#inside.clear();
    const open = [...inside.values()].flat().filter(({ result }) => result === undefined);
    if (open.length === 0) return;
    const { mark, reason } =
      error instanceof ChildLost ? error : { mark: null, reason: messageOf(error) };
    const isNobodys = mark === null || (mark !== undefined && mark.item === undefined);
    const guilty = mark ? inside.get(mark.call)?.[mark.item ?? -1] : undefined;
    const alone = mark === undefined && open.length === 1 ? open[0] : undefined;
    for (const job of open) {
      if (job === guilty || job === alone) {
        settle(job, { kind: 'lost', error: reason, crashed: true });
      } else if (isNobodys) {
        settle(job, { kind: 'lost', error: reason, crashed: false });
      } else {
        job.suspect ||= mark === undefined;
      }
    }
    this.#queue = [...open.filter(({ result }) => result === undefined), ...this.#queue];
  }

  #loseAll(reason: string): void {
    const jobs = [...this.#inside.values()].flat();
    this.#inside.clear();
    for (const job of [...jobs, ...this.#queue.splice(0)]) {
      if (job.result === undefined) settle(job, { kind: 'lost', error: reason, crashed: false });
    }
  }

  async #watch(child: Child): Promise<void> {
    if (this.#watched === child) return;
    this.#watched = child;
    const { clock, timeout } = this.#options;
    const patience = (): number | undefined => {
      if (this.#loading !== undefined) return Math.max(timeout, LOAD_WITHIN);
      return this.#inside.size > 0 ? timeout : undefined;
    };
    await watchChild(child, { clock, shortest: timeout, patience, stop: this.#closed.signal });
    if (this.#watched === child) this.#watched = undefined;
  }
}

function settle(job: Job, result: Transformed | 'later'): void {
  if (job.result !== undefined) return;
  job.result = result;
  const { jobs, resolve } = job.run;
  job.run.open -= 1;
  if (job.run.open > 0) return;
  const results: Transformed[] = [];
  for (const { result: each } of jobs) {
    if (each === undefined || each === 'later') break;
    results.push(each);
    if (each.kind === 'lost') break;
  }
  resolve(results);
}

function transformed(result: Result): Transformed {
  if (typeof result === 'string') return { kind: 'events', texts: [result] };
  if (!('error' in result)) return { kind: 'events', texts: result };
  if (result.late) return { kind: 'lost', error: result.error, crashed: true };
  return { kind: 'failed', error: result.error };
}
