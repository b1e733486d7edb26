import type { Clock } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';

/**
 * The time before a continuing failure is logged again, in milliseconds: a busy receiver meets it hundreds of times a
 * second.
 */
const REPEAT_AFTER = 60_000;
/**
 * The time before any other failure is logged, in milliseconds: reasons may alternate, and a nearly full disk accepts
 * some writes.
 */
const NEXT_AFTER = 1_000;

export interface FailureLogDeps {
  readonly clock: Clock;
  readonly log: {
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
}

/** Logs when writes begin to fail, once a minute while they fail, and when they succeed again. */
export class FailureLog {
  readonly #deps: FailureLogDeps;
  #last: { readonly message: string; readonly at: number } | undefined;
  /** The number of failures since writes were last logged as successful. */
  #failed = 0;
  #isLogged = false;

  constructor(deps: FailureLogDeps) {
    this.#deps = deps;
  }

  failed(error: unknown): void {
    const { clock, log } = this.#deps;
    this.#failed += 1;
    const message = messageOf(error);
    const now = clock.monotonic();
    if (this.#last !== undefined) {
      const isSame = this.#isLogged && this.#last.message === message;
      const pause = isSame ? REPEAT_AFTER : NEXT_AFTER;
      if (now - this.#last.at < pause) return;
    }
    this.#last = { message, at: now };
    this.#isLogged = true;
    const cause = error instanceof Error ? error.cause : undefined;
    log.error({ err: cause ?? error }, `The outbox could not write: ${message}`);
  }

  succeeded(): void {
    // If no failure was logged since the last time, success is not logged either.
    if (!this.#isLogged) return;
    this.#deps.log.warn({ failed: this.#failed }, 'The outbox can write again');
    this.#isLogged = false;
    this.#failed = 0;
  }
}
