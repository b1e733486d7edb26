import { TrackbridgeError } from '../../core/errors.js';
import { labelOf } from './pointer.js';

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The part of a member that a problem is about: its name, its value, or its absence. */
export type Part = 'key' | 'value' | 'missing';

/** Where a configuration comes from, so that errors can point into it. An object that was passed in has neither. */
export interface Origin {
  /** The file name as the user gave it. */
  readonly file?: string;
  /** Returns the position of a JSON pointer's node, or of the nearest node around it. */
  locate?(pointer: string, part: Part): Position | undefined;
}

interface Problem {
  readonly pointer: string;
  readonly text: string;
  readonly position: Position | undefined;
  readonly part: Part;
}

/** Collects problems, so that one run reports all of them. */
export class Problems {
  readonly #origin: Origin;
  readonly #found: Problem[] = [];
  readonly #outside = new Set<string>();

  constructor(origin: Origin) {
    this.#origin = origin;
  }

  /**
   * Adds a problem with a member. `message` continues a line that begins with the member's name. Never pass it a
   * secret.
   */
  add(pointer: string, message: string, part: Part = 'value'): void {
    const position = this.#outside.has(pointer) ? undefined : this.#origin.locate?.(pointer, part);
    const text = `${labelOf(pointer)} ${message}`;
    // A fraction for a duration is both the wrong type and not a duration, which would give the same line twice.
    if (this.#found.some((known) => known.text === text)) return;
    this.#found.push({ pointer, text, position, part });
  }

  /** Marks a member whose value does not come from the file, so that its problems do not point into the file. */
  setOutside(pointer: string): void {
    this.#outside.add(pointer);
  }

  /** Adds a problem with the text of the file itself. */
  addAt(position: Position | undefined, text: string): void {
    this.#found.push({ pointer: '', text, position, part: 'value' });
  }

  /** Throws CONFIG_INVALID with all problems so far, in file order. The message is the first one. */
  throwIfAny(): void {
    if (this.#found.length === 0) return;
    const errors = [...this.#found].sort(order).map(({ pointer, text, position }) => ({
      path: pointer,
      message: `${this.#prefix(pointer, position)}${text}`,
    }));
    const more = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`;
    throw new TrackbridgeError('CONFIG_INVALID', `${errors[0]?.message}${more}`, { errors });
  }

  #prefix(pointer: string, position: Position | undefined): string {
    const { file } = this.#origin;
    if (file === undefined || this.#outside.has(pointer)) return '';
    return position ? `${file}:${position.line}:${position.column}: ` : `${file}: `;
  }
}

/** Sorts in file order. Missing members come last, since a misspelled key next to them is probably the cause. */
function order(a: Problem, b: Problem): number {
  const byKind = Number(a.part === 'missing') - Number(b.part === 'missing');
  if (byKind !== 0) return byKind;
  if (!a.position || !b.position) return Number(!a.position) - Number(!b.position);
  return a.position.line - b.position.line || a.position.column - b.position.column;
}
