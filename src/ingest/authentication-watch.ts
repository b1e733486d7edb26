import type { Clock } from '../core/clock.js';
import type { Log } from '../telemetry/log.js';

/** The number of deliveries that must be authenticated before a source counts as working. */
const GOOD = 3;

/** The number of consecutive rejected deliveries that suggests a changed secret. */
const BURST = 5;

/**
 * How much longer than the longest recent pause no delivery must have been authenticated, and the minimum and maximum
 * of that time in milliseconds. Anyone can send junk between good deliveries, and a pause between those does not mean
 * that the secret has changed.
 */
const SILENCE_FACTOR = 2;
const SILENCE_LEAST = 10_000;
const SILENCE_MOST = 600_000;

/** The longest pause is taken over this period and the one before, in milliseconds. */
const PAUSES_OF = 3_600_000;

/** The minimum time between two identical log lines, in milliseconds. */
const REPEAT = 300_000;

export interface AuthenticationDeps {
  readonly source: string;
  readonly onUnauthenticated: 'reject' | 'quarantine';
  readonly clock: Clock;
  readonly log: Pick<Log, 'error' | 'warn' | 'info'>;
  /** Called when the state changes, for the metric. */
  readonly onSuspect: (suspect: boolean) => void;
}

/** What an ingest tells the watch of its source. */
export type DeliveryWatch = Pick<AuthenticationWatch, 'passed' | 'failed' | 'full'>;

/** The authentication state of a source, as the admin API returns it. */
export interface AuthenticationState {
  /** `unproven`: nothing has been authenticated yet. `suspect`: the secret may have changed. */
  readonly authentication: 'unproven' | 'authenticated' | 'suspect';
  /** Unauthenticated deliveries since the last authenticated one. */
  readonly refused: number;
}

/**
 * Tells a changed secret from strangers who send junk. Both vendors drop a delivery answered 401, so a changed secret
 * loses events until somebody notices. Create one per source.
 */
export class AuthenticationWatch {
  readonly #deps: AuthenticationDeps;
  readonly #saidAt = new Map<string, number>();
  #good = 0;
  /** Since the last authenticated delivery. */
  #failed = 0;
  #suspect = false;
  #verifiedAt = 0;
  #pauseNow = 0;
  #pauseBefore = 0;
  #pausesSince = 0;
  /** Rejected deliveries between authenticated ones, since the last log line about them. */
  #amongPassed = 0;

  constructor(deps: AuthenticationDeps) {
    this.#deps = deps;
  }

  /** Records an authenticated delivery. */
  passed(): void {
    const now = this.#deps.clock.monotonic();
    this.#notePause(now);
    this.#good += 1;
    this.#verifiedAt = now;
    if (this.#failed > 0) this.#endFailures();
  }

  /** Records an unauthenticated delivery. */
  failed(): void {
    this.#failed += 1;
    if (this.#failed < BURST) return;
    if (this.#good >= GOOD) {
      this.#suspectAfterSilence();
      return;
    }
    const few = this.#good === 0 ? 'no delivery' : 'hardly any delivery';
    this.#say(
      'warn',
      'SECRET_UNPROVEN',
      `source ${this.#deps.source}: ${few} has passed verification yet, and ${this.#failed} in a row failed, so ${this.#fate()}; compare the secret with the one in the dashboard`,
    );
  }

  /**
   * Logs what has become true by the passing of time. Call it about every second. A sender that drops rejected events
   * may have nothing more to send for hours, so the check cannot wait for the next delivery.
   */
  check(): void {
    if (!this.#suspect && this.#failed >= BURST && this.#good >= GOOD) this.#suspectAfterSilence();
  }

  #suspectAfterSilence(): void {
    const { clock, onSuspect, source } = this.#deps;
    if (clock.monotonic() - this.#verifiedAt < this.#silence()) return;
    if (!this.#suspect) onSuspect(true);
    this.#suspect = true;
    this.#say(
      'error',
      'SECRET_SUSPECT',
      `source ${source}: ${this.#failed} deliveries in a row failed verification after earlier ones passed, so ${this.#fate()}; the secret may have changed: add the new one to verify.secrets`,
    );
  }

  /** Records that the source's quarantine is full for unauthenticated events. */
  full(): void {
    this.#say(
      'warn',
      'QUARANTINE_FULL',
      `source ${this.#deps.source}: the quarantine is at unauthenticatedLimit, and further unauthenticated deliveries get 503; correct the secret, then replay or purge them`,
    );
  }

  state(): AuthenticationState {
    const proven = this.#good > 0 ? 'authenticated' : 'unproven';
    return { authentication: this.#suspect ? 'suspect' : proven, refused: this.#failed };
  }

  /** The source is no longer configured: nobody has to look for its secret. */
  end(): void {
    if (this.#suspect) this.#deps.onSuspect(false);
  }

  #fate(): string {
    const { onUnauthenticated } = this.#deps;
    return onUnauthenticated === 'reject' ? 'its sender drops them' : 'they go to quarantine';
  }

  #endFailures(): void {
    const { source, log, onSuspect } = this.#deps;
    if (this.#suspect) {
      this.#suspect = false;
      this.#saidAt.delete('SECRET_SUSPECT');
      onSuspect(false);
      log.info(
        { source, code: 'SECRET_HOLDS', refused: this.#failed },
        `source ${source}: deliveries pass verification again`,
      );
    } else if (this.#good > GOOD) {
      this.#amongPassed += this.#failed;
      if (this.#amongPassed >= BURST) {
        const text = `source ${source}: ${this.#amongPassed} deliveries failed verification while others passed; another sender knows the URL`;
        if (this.#say('warn', 'UNSIGNED_TRAFFIC', text)) this.#amongPassed = 0;
      }
    }
    this.#failed = 0;
  }

  /** Returns how long no delivery must have been authenticated before a warning, in milliseconds. */
  #silence(): number {
    const longest = Math.max(this.#pauseNow, this.#pauseBefore) * SILENCE_FACTOR;
    return Math.min(Math.max(longest, SILENCE_LEAST), SILENCE_MOST);
  }

  #notePause(now: number): void {
    if (this.#good === 0) this.#pausesSince = now;
    else this.#pauseNow = Math.max(this.#pauseNow, now - this.#verifiedAt);
    if (now - this.#pausesSince < PAUSES_OF) return;
    this.#pauseBefore = this.#pauseNow;
    this.#pauseNow = 0;
    this.#pausesSince = now;
  }

  /** Logs a line, unless the same one was logged a short time ago. */
  #say(level: 'error' | 'warn', code: string, text: string): boolean {
    const now = this.#deps.clock.monotonic();
    const last = this.#saidAt.get(code);
    if (last !== undefined && now - last < REPEAT) return false;
    this.#saidAt.set(code, now);
    this.#deps.log[level]({ source: this.#deps.source, code }, text);
    return true;
  }
}
