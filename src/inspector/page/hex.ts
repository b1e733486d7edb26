interface HexCell {
  /** Two hexadecimal digits. */
  readonly hex: string;
  /** The character for a printable ASCII byte, `.` for any other. */
  readonly ascii: string;
  readonly marked: boolean;
}

export interface HexLine {
  /** Of its first byte, as eight hexadecimal digits. */
  readonly offset: string;
  readonly cells: readonly HexCell[];
}

/** From the first byte on, `to` exclusive. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** The lines of a hex dump of `part` of the bytes, `width` bytes a line, with `marked` ones marked. */
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

/** Bytes of base64 text, as the API sends bodies. */
export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
