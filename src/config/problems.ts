import { TrackbridgeError } from '../errors.js';
import { labelOf } from './pointer.js';

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Which part of a member a problem is about: its name, what stands behind it, or that there is none. */
export type Part = 'key' | 'value' | 'missing';

/** Where a configuration comes from, so that errors can point into it. An object that was passed in has neither. */
export interface Origin {
  /** The file as the user named it. */
  readonly file?: string;
  /** Where the node of a JSON pointer stands, or the nearest one around it. */
  locate?(pointer: string, part: Part): Position | undefined;
}

interface Problem {
  readonly pointer: string;
  readonly text: string;
  readonly position: Position | undefined;
  readonly part: Part;
}

/** Collects what is wrong, so that one look shows all of it. */
export class Problems {
  readonly #origin: Origin;
  readonly #found: Problem[] = [];
  readonly #outside = new Set<string>();

  constructor(origin: Origin) {
    this.#origin = origin;
  }

  /** Something wrong with a member; `message` continues a line that begins with its name. Never give it a secret. */
  add(pointer: string, message: string, part: Part = 'value'): void {
    const position = this.#outside.has(pointer) ? undefined : this.#origin.locate?.(pointer, part);
    const text = `${labelOf(pointer)} ${message}`;
    // A fraction for a duration is of the wrong type and no duration: the same line twice.
    if (this.#found.some((known) => known.text === text)) return;
    this.#found.push({ pointer, text, position, part });
  }

  /** What this member holds does not come from the file: problems with it then do not point there. */
  setOutside(pointer: string): void {
    this.#outside.add(pointer);
  }

  /** Something wrong with the text of the file itself. */
  addAt(position: Position | undefined, text: string): void {
    this.#found.push({ pointer: '', text, position, part: 'value' });
  }

  /** Throws CONFIG_INVALID with everything found so far, in the order of the file; the message holds the first. */
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

/** As in the file; what is missing comes last, since a misspelt key next to it is probably why. */
function order(a: Problem, b: Problem): number {
  const byKind = Number(a.part === 'missing') - Number(b.part === 'missing');
  if (byKind !== 0) return byKind;
  if (!a.position || !b.position) return Number(!a.position) - Number(!b.position);
  return a.position.line - b.position.line || a.position.column - b.position.column;
}

/** CONFIG_INVALID for one thing that has no place in a file: an environment variable, a flag, a file of ours. */
export function invalid(message: string, cause?: unknown): TrackbridgeError {
  const errors = [{ path: '', message }];
  return new TrackbridgeError('CONFIG_INVALID', message, { errors, cause });
}
