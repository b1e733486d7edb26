/** A frame is the number of its bytes as an unsigned integer, big-endian, and then the bytes. */
const HEADER = 4;

/**
 * The maximum number of bytes of a frame. The largest delivery that a configuration allows fits. A longer frame means
 * that the other side writes something else.
 */
const LARGEST_FRAME = 2 ** 31;

/** Returns the bytes to write before a frame. */
export function frameHeader(frame: Uint8Array): Buffer {
  const header = Buffer.allocUnsafe(HEADER);
  header.writeUInt32BE(frame.length);
  return header;
}

/** Cuts a stream of bytes into frames, however its chunks divide them. */
export class FrameReader {
  readonly #largest: number;
  #chunks: Buffer[] = [];
  #held = 0;
  /** The bytes that the next header or frame needs. */
  #needed = HEADER;
  #isHeader = true;

  constructor(largest = LARGEST_FRAME) {
    this.#largest = largest;
  }

  /** Returns the frames that this chunk completes, in order. Throws if one is longer than the largest. */
  push(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    while (this.#held >= this.#needed) {
      const taken = this.#take(this.#needed);
      if (this.#isHeader) {
        this.#needed = taken.readUInt32BE();
        if (this.#needed > this.#largest) {
          throw new RangeError(`a frame of ${this.#needed} bytes is longer than ${this.#largest}`);
        }
      } else {
        frames.push(taken);
        this.#needed = HEADER;
      }
      this.#isHeader = !this.#isHeader;
    }
    return frames;
  }

  /** Removes the first bytes. Copies them only if several chunks hold them. */
  #take(bytes: number): Buffer {
    const [first = Buffer.alloc(0)] = this.#chunks;
    const whole = first.length >= bytes ? first : Buffer.concat(this.#chunks);
    const rest = whole.subarray(bytes);
    if (whole === first) this.#chunks.shift();
    else this.#chunks = [];
    if (rest.length > 0) this.#chunks.unshift(rest);
    this.#held -= bytes;
    return whole.subarray(0, bytes);
  }
}
