import type { Clock } from '../clock.js';
import type { Log } from '../telemetry/log.js';

/** So many deliveries must have verified before a source counts as one that works. */
const GOOD = 3;

/** So many refused ones in a row say something. */
const BURST = 5;

/**
 * How much longer than the longest pause of late nothing must have verified, and for how long at least and at most,
 * milliseconds: beside good deliveries anybody can send junk, and a pause between them is no changed secret.
 */
const SILENCE_FACTOR = 2;
const SILENCE_LEAST = 10_000;
const SILENCE_MOST = 600_000;

/** The longest pause is that of this period and the one before, milliseconds. */
const PAUSES_OF = 3_600_000;

/** Between two lines that say the same, milliseconds. */
const REPEAT = 300_000;

export interface AuthenticationDeps {
  readonly source: string;
  readonly onUnauthenticated: 'reject' | 'quarantine';
  readonly clock: Clock;
  readonly log: Pick<Log, 'error' | 'warn' | 'info'>;
  /** Told when it changes, for the metric. */
  readonly onSuspect: (suspect: boolean) => void;
}

/** What the admin API says of a source. */
export interface AuthenticationState {
  /** `unproven`: nothing has verified yet; `suspect`: the secret may have changed. */
  readonly authentication: 'unproven' | 'holds' | 'suspect';
  /** Deliveries that were not authenticated since the last one that was. */
  readonly refused: number;
}

/**
 * Tells a secret that has changed from strangers who knock: both vendors drop what is answered 401, so that a changed secret
 * loses events until somebody notices. One a source.
 */
export class AuthenticationWatch {
  readonly #deps: AuthenticationDeps;
  readonly #saidAt = new Map<string, number>();
  #good = 0;
  /** Since the last one that verified. */
  #refused = 0;
  #suspect = false;
  #verifiedAt = 0;
  #pauseNow = 0;
  #pauseBefore = 0;
  #pausesSince = 0;
  /** Refused between those that verified, since the last line about it. */
  #beside = 0;

  constructor(deps: AuthenticationDeps) {
    this.#deps = deps;
  }

  /** A delivery was authenticated. */
  verified(): void {
    const now = this.#deps.clock.monotonic();
    this.#notePause(now);
    this.#good += 1;
    this.#verifiedAt = now;
    if (this.#refused > 0) this.#afterRefused();
  }

  /** A delivery was not authenticated. */
  refused(): void {
    this.#refused += 1;
    if (this.#refused < BURST) return;
    if (this.#good >= GOOD) {
      this.#suspectAfterSilence();
      return;
    }
    const few = this.#good === 0 ? 'no delivery has' : 'hardly any delivery has';
    this.#say(
      'warn',
      'SECRET_UNPROVEN',
      `source ${this.#deps.source}: ${few} verified yet, and ${this.#refused} in a row did not, so ${this.#fate()}; is the secret the one in the dashboard?`,
    );
  }

  /**
   * Says what the time alone has made true: call it every second or so. A sender that drops what is refused may have
   * nothing more to send for hours, so the next delivery cannot be waited for.
   */
  look(): void {
    if (!this.#suspect && this.#refused >= BURST && this.#good >= GOOD) this.#suspectAfterSilence();
  }

  #suspectAfterSilence(): void {
    const { clock, onSuspect, source } = this.#deps;
    if (clock.monotonic() - this.#verifiedAt < this.#silence()) return;
    if (!this.#suspect) onSuspect(true);
    this.#suspect = true;
    this.#say(
      'error',
      'SECRET_SUSPECT',
      `source ${source}: ${this.#refused} deliveries in a row did not verify after good ones, so ${this.#fate()}; its secret may have changed: put the new one into verify.secrets, beside the old one`,
    );
  }

  /** The source's quarantine takes no more of what is not authenticated. */
  full(): void {
    this.#say(
      'warn',
      'QUARANTINE_FULL',
      `source ${this.#deps.source}: quarantine holds as many unauthenticated events as its unauthenticatedLimit allows, further ones get 503; correct the secret, then replay or purge them`,
    );
  }

  state(): AuthenticationState {
    const proven = this.#good > 0 ? 'holds' : 'unproven';
    return { authentication: this.#suspect ? 'suspect' : proven, refused: this.#refused };
  }

  #fate(): string {
    const { onUnauthenticated } = this.#deps;
    return onUnauthenticated === 'reject' ? 'its sender drops them' : 'they go to quarantine';
  }

  #afterRefused(): void {
    const { source, log, onSuspect } = this.#deps;
    if (this.#suspect) {
      this.#suspect = false;
      this.#saidAt.delete('SECRET_SUSPECT');
      onSuspect(false);
      log.info(
        { source, code: 'SECRET_HOLDS', refused: this.#refused },
        `source ${source}: deliveries verify again`,
      );
    } else if (this.#good > GOOD) {
      this.#beside += this.#refused;
      if (this.#beside >= BURST) {
        const text = `source ${source}: unsigned traffic, ${this.#beside} deliveries did not verify beside good ones; somebody else knows the URL`;
        if (this.#say('warn', 'UNSIGNED_TRAFFIC', text)) this.#beside = 0;
      }
    }
    this.#refused = 0;
  }

  /** For how long nothing must have verified to say something, milliseconds. */
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

  /** Says it, unless it was said a short time ago. */
  #say(level: 'error' | 'warn', code: string, text: string): boolean {
    const now = this.#deps.clock.monotonic();
    const last = this.#saidAt.get(code);
    if (last !== undefined && now - last < REPEAT) return false;
    this.#saidAt.set(code, now);
    this.#deps.log[level]({ source: this.#deps.source, code }, text);
    return true;
  }
}
