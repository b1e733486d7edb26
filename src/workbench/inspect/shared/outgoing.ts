import type { AttemptRecord } from '../record.js';
import type { Audience } from '../recorder.js';
import type { Recording } from '../recording.js';
import type { View } from '../view.js';
import { freeze, type SharedEntry } from './frozen.js';

/** The deliveries and attempts that wait to be told; beyond it they are dropped and counted. */
const MOST_WAITING = 500;
const MOST_WAITING_BYTES = 16 * 1024 * 1024;

/** What one turn tells: at ten turns a second, 200 entries and 2 MB a second. */
const ENTRIES = 20;
const CHARACTERS = 200 * 1024;

interface Waiting {
  readonly bytes: number;
  readonly text: () => string;
}

export interface OutgoingOptions {
  readonly view: View;
  readonly member: string;
  /** Whether another member wants to know. */
  readonly isWanted: () => boolean;
  /** Called with the number of deliveries and attempts that were dropped. */
  readonly onDropped: (entries: number) => void;
}

/**
 * What this process has recorded and not told the other members yet. It is turned into text when it is told, not while
 * the delivery is answered.
 */
export class Outgoing implements Audience {
  readonly #options: OutgoingOptions;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #dropped = 0;
  /** Own deliveries that the others know, or will. */
  readonly #told = new WeakSet<Recording>();

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  delivered(recording: Recording): void {
    if (recording.origin !== undefined || !this.#options.isWanted()) return;
    const text = (): string => entryText({ delivery: freeze(recording, this.#options.view) });
    if (this.#push({ bytes: recording.size(), text })) this.#told.add(recording);
    else this.#dropped += 1;
  }

  attempted(recording: Recording, attempt: AttemptRecord, isOwn: boolean): void {
    if (!isOwn || !this.#isKnown(recording)) return;
    const shown = this.#options.view.attempt(recording, attempt);
    const text = (): string => entryText({ attempt: shown, id: recording.id });
    this.#push({ bytes: 500 + 16 * attempt.eventIds.length, text });
  }

  replayed(
    recording: Recording,
    eventIds: readonly string[],
    positions: readonly number[],
    isOwn: boolean,
  ): void {
    if (!isOwn || !this.#isKnown(recording)) return;
    const text = (): string => entryText({ replayed: eventIds, positions, id: recording.id });
    this.#push({ bytes: 500 + 24 * eventIds.length, text });
  }

  /** Returns what is to be told now, the oldest first. */
  take(): readonly string[] {
    const texts: string[] = [];
    let count = 0;
    for (let left = CHARACTERS; count < ENTRIES && left > 0; count += 1) {
      const next = this.#waiting[count];
      if (next === undefined) break;
      const text = next.text();
      this.#bytes -= next.bytes;
      left -= text.length;
      texts.push(text);
    }
    this.#waiting.splice(0, count);
    if (this.#dropped > 0) {
      texts.push(entryText({ dropped: this.#dropped, member: this.#options.member }));
      this.#dropped = 0;
    }
    return texts;
  }

  /** So many of what was taken could not be told. */
  lost(entries: number): void {
    if (entries > 0) this.#options.onDropped(entries);
  }

  /** Nobody wants to know any more. */
  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
    this.#dropped = 0;
  }

  #isKnown(recording: Recording): boolean {
    if (!this.#options.isWanted()) return false;
    return recording.origin !== undefined || this.#told.has(recording);
  }

  #push(entry: Waiting): boolean {
    const isFull = this.#waiting.length >= MOST_WAITING || this.#bytes >= MOST_WAITING_BYTES;
    if (isFull) {
      this.#options.onDropped(1);
      return false;
    }
    this.#waiting.push(entry);
    this.#bytes += entry.bytes;
    return true;
  }
}

function entryText(entry: SharedEntry): string {
  return JSON.stringify(entry);
}
