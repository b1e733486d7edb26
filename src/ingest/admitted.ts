import { LARGE } from './turns.js';

/**
 * The share of `maxBodyBytes` that large bodies may hold before they are verified. The rest is for small ones, so that
 * strangers with large bodies do not keep other senders' events out.
 */
const UNVERIFIED_SHARE = 7 / 8;

/** What all admitted deliveries hold together. */
export interface Load {
  deliveries: number;
  bytes: number;
  /** The bytes of these that large unverified bodies hold. */
  unverified: number;
  /** The deliveries that wait for the outbox, and since when: the oldest first. */
  readonly appending: Map<Admitted, number>;
}

export interface AdmittedDeps {
  readonly load: Load;
  maxBodyBytes: number;
  /** Returns the error of a delivery whose body has no room. */
  readonly overloaded: () => Error;
}

/** One admitted delivery, until `leave`. */
export class Admitted {
  readonly #deps: AdmittedDeps;
  #bytes = 0;
  /** The bytes that it holds of the share of large unverified bodies. */
  #unverified = 0;
  #isVerified = false;

  constructor(deps: AdmittedDeps) {
    this.#deps = deps;
    deps.load.deliveries += 1;
  }

  /** Counts bytes that its body holds from now on. Throws OVERLOADED if all bodies together hold too many. */
  account(bytes: number): void {
    const { load, maxBodyBytes, overloaded } = this.#deps;
    this.#bytes += bytes;
    load.bytes += bytes;
    if (this.#bytes > LARGE && !this.#isVerified) {
      load.unverified += this.#bytes - this.#unverified;
      this.#unverified = this.#bytes;
    }
    const isOver =
      load.bytes > maxBodyBytes ||
      (this.#unverified > 0 && load.unverified > maxBodyBytes * UNVERIFIED_SHARE);
    if (isOver && load.bytes > this.#bytes) throw overloaded();
  }

  /** Marks the delivery as verified: its body no longer counts as unverified. */
  verified(): void {
    this.#isVerified = true;
    this.#release();
  }

  /** Marks the delivery as waiting for the outbox since `now`, in monotonic milliseconds, until `appended`. */
  appending(now: number): void {
    this.#deps.load.appending.set(this, now);
  }

  appended(): void {
    this.#deps.load.appending.delete(this);
  }

  leave(): void {
    const { load } = this.#deps;
    load.deliveries -= 1;
    load.bytes -= this.#bytes;
    this.#bytes = 0;
    this.#release();
  }

  #release(): void {
    this.#deps.load.unverified -= this.#unverified;
    this.#unverified = 0;
  }
}
