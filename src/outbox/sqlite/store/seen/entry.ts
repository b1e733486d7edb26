import { hash } from 'node:crypto';
import type { Seen } from '../../../duplicate.js';

/** Half a SHA-256: short keys keep the trees small (a unique index over UUID texts halves the throughput). */
export const KEY_LENGTH = 16;

/** A key, six bytes of time and one of authentication. */
export const ENTRY_LENGTH = KEY_LENGTH + 7;

/**
 * Returns the key of a messageId: sixteen bytes, as a text of as many characters, which a Map holds in a third of the
 * memory of a buffer. The hash includes the scope's length, so that no other pair of scope and id has the same key, and
 * the id as JSON text, because UTF-8 has only one replacement for all lone surrogates.
 */
export function keyOf(scope: string, messageId: string): string {
  const digest = hash('sha256', `${scope.length}:${scope}:${JSON.stringify(messageId)}`, 'binary');
  // Not `slice`, which would keep the whole digest alive behind each key.
  return Buffer.from(digest, 'latin1').toString('latin1', 0, KEY_LENGTH);
}

/** Packs what is remembered of a key into one number, so that a large Map holds no objects. */
export function remembered(at: number, authenticated: boolean): number {
  return at * 2 + (authenticated ? 1 : 0);
}

/** Reverses `remembered`. */
export function seenOf(memory: number): Seen {
  return { at: Math.floor(memory / 2), authenticated: memory % 2 === 1 };
}

/** Concatenates keys, for a statement that splits them. */
export function packKeys(keys: readonly string[]): Buffer {
  return Buffer.from(keys.join(''), 'latin1');
}

/** Concatenates keys with what is remembered of them: the format of both the log and the tables. */
export function packEntries(entries: readonly (readonly [string, number])[]): Buffer {
  const packed = Buffer.allocUnsafe(entries.length * ENTRY_LENGTH);
  let offset = 0;
  for (const [key, memory] of entries) {
    packed.write(key, offset, 'latin1');
    packed.writeUIntBE(Math.floor(memory / 2), offset + KEY_LENGTH, 6);
    packed[offset + ENTRY_LENGTH - 1] = memory % 2;
    offset += ENTRY_LENGTH;
  }
  return packed;
}

/** Reverses `packEntries`. */
export function* unpackEntries(packed: Uint8Array): Generator<[string, number]> {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  for (let offset = 0; offset < bytes.length; offset += ENTRY_LENGTH) {
    const key = bytes.toString('latin1', offset, offset + KEY_LENGTH);
    yield [key, unpackMemory(bytes.subarray(offset + KEY_LENGTH, offset + ENTRY_LENGTH))];
  }
}

/** Returns the last seven bytes of an entry in the form of `remembered`. */
export function unpackMemory(packed: Uint8Array): number {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  return bytes.readUIntBE(0, 6) * 2 + bytes.readUInt8(6);
}
