interface HexCell {
  /** Two hexadecimal digits. */
  readonly hex: string;
  /** The character for a printable ASCII byte, `.` for any other. */
  readonly ascii: string;
  readonly marked: boolean;
}

export interface HexLine {
  /** The offset of the first byte, as eight hexadecimal digits. */
  readonly offset: string;
  readonly cells: readonly HexCell[];
}

/** A range of bytes; `to` is exclusive. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Returns the lines of a hex dump of `part`, with `width` bytes each; bytes in `marked` are marked. */
export function hexLines(
  bytes: Uint8Array,
  part: ByteRange,
  marked: ByteRange | undefined,
  width: number,
): HexLine[] {
  const lines: HexLine[] = [];
  const end = Math.min(part.to, bytes.length);
  for (let start = part.from; start < end; start += width) {
    const row = bytes.subarray(start, Math.min(start + width, end));
    lines.push({
      offset: start.toString(16).padStart(8, '0'),
      cells: Array.from(row, (byte, index) => ({
        hex: byte.toString(16).padStart(2, '0'),
        ascii: byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
        marked: isWithin(start + index, marked),
      })),
    });
  }
  return lines;
}

function isWithin(at: number, range: ByteRange | undefined): boolean {
  return range !== undefined && at >= range.from && at < range.to;
}

/** Decodes base64, in which the API sends bodies. */
export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
