import type { ShownReplay } from './shown.js';

const WIDTH = 30;

/** How many percent lie between two lines when the output is no terminal. */
const STEP = 10;

/** Shows how far a replay is: a bar on a terminal, otherwise a line now and then. */
export class Progress {
  readonly #out: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly #isQuiet: boolean;
  #told = -STEP;

  constructor(out: NodeJS.WritableStream, isQuiet: boolean) {
    this.#out = out;
    this.#isQuiet = isQuiet;
  }

  show({ left, looked, pending, requeued }: ShownReplay): void {
    const share = looked + left === 0 ? 1 : looked / (looked + left);
    const percent = Math.floor(share * 100);
    const text = `${percent} %, ${requeued} requeued, ${pending} pending`;
    if (this.#out.isTTY) {
      const full = Math.round(share * WIDTH);
      this.#out.write(`\r${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${text}\u001b[K`);
      return;
    }
    if (this.#isQuiet || percent - this.#told < STEP) return;
    this.#told = percent;
    this.#out.write(`trackbridge: ${text}\n`);
  }

  end(): void {
    if (this.#out.isTTY) this.#out.write('\r\u001b[K');
  }
}
