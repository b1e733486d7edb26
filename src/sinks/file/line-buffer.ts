/** The size of the buffer that is kept, in bytes: enough for most writes. */
const KEPT = 512 * 1024;

const LINE_FEED = 0x0a;

/**
 * Encodes lines for one write after another, in the same memory. A new buffer for each write would outlive the young
 * generation during the write, and stay until the next full garbage collection.
 */
export class LineBuffer {
  #kept: Buffer | undefined;

  /** Returns the lines in UTF-8, each with its line feed. The bytes are valid until the next call. */
  encode(lines: readonly string[]): Buffer {
    const length = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    const buffer = this.#roomFor(length);
    let end = 0;
    for (const line of lines) {
      end += buffer.write(line, end);
      end = buffer.writeUInt8(LINE_FEED, end);
    }
    return buffer.subarray(0, end);
  }

  #roomFor(length: number): Buffer {
    if (length > KEPT) return Buffer.allocUnsafeSlow(length);
    this.#kept ??= Buffer.allocUnsafeSlow(KEPT);
    return this.#kept;
  }
}
