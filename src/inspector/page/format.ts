/** A time of day with milliseconds in the reader's zone, such as `14:03:22.081`. `at` is RFC 3339. */
export function timeOf(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
}

/** Date and time of day in the reader's zone, to the second: `2026-11-21 14:03:22`. */
export function dateTimeOf(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${timeOf(at).slice(0, 8)}`;
}

/** A duration given in milliseconds, with two to three digits that count: `0.4 ms`, `12 ms`, `3.1 s`, `5 min`, `2 h`. */
export function durationOf(ms: number): string {
  if (ms < 10) return `${trimmed(ms, 1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${trimmed(ms / 1000, 1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/** A size given in bytes: `812 B`, `4.1 kB`, `2.3 MB`. */
export function sizeOf(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${trimmed(bytes / 1000, 1)} kB`;
  return `${trimmed(bytes / 1_000_000, 1)} MB`;
}

/** A whole number with a comma between thousands: `12,345`. */
export function numberOf(value: number): string {
  // The same to every reader, whatever the browser's language.
  return Math.round(value).toLocaleString('en-US');
}

/** A number and its word: `1 event`, `3 events`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${numberOf(count)} ${count === 1 ? one : many}`;
}

function trimmed(value: number, digits: number): string {
  return value.toFixed(digits).replace(/\.0+$/, '');
}
