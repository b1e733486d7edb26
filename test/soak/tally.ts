/**
 * Which of many numbered events were answered and which arrived, in a few bytes each, so that a run of millions does not
 * weigh on the machine it measures. Events are numbered from 0; event n is of user n modulo `users`.
 */
export class Tally {
  readonly #users: number;
  readonly #answered: Uint8Array;
  readonly #arrivals: Uint8Array;
  /** By user, the youngest event that has arrived. */
  readonly #youngest: Int32Array;
  answered = 0;
  arrived = 0;
  duplicated = 0;
  overtaken = 0;

  constructor(events: number, users: number) {
    this.#users = users;
    this.#answered = new Uint8Array(events);
    this.#arrivals = new Uint8Array(events);
    this.#youngest = new Int32Array(users).fill(-1);
  }

  /** This event was answered 200. */
  answer(event: number): void {
    if (this.#answered[event] === 0) this.answered++;
    this.#answered[event] = 1;
  }

  /** The sink has taken this event. */
  arrive(event: number): void {
    const times = this.#arrivals[event] ?? 0;
    this.#arrivals[event] = Math.min(times + 1, 255);
    if (times > 0) {
      this.duplicated++;
      return;
    }
    this.arrived++;
    const user = event % this.#users;
    if (event < (this.#youngest[user] ?? -1)) this.overtaken++;
    else this.#youngest[user] = event;
  }

  /** Events that were answered 200 and have not arrived. */
  lost(): number {
    let lost = 0;
    for (const [event, answered] of this.#answered.entries()) {
      if (answered === 1 && this.#arrivals[event] === 0) lost++;
    }
    return lost;
  }
}
