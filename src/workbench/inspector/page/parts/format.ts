/** Formats an RFC 3339 time as local time of day: `14:03:22.081`. */
export function timeOf(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
}

/** Formats an RFC 3339 time as local date and time: `2026-11-21 14:03:22`. */
export function dateTimeOf(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${timeOf(at).slice(0, 8)}`;
}

/** Formats milliseconds with two to three significant digits: `0.4 ms`, `12 ms`, `3.1 s`, `5 min`, `2 h`. */
export function durationOf(ms: number): string {
  if (ms < 10) return `${trimmed(ms, 1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${trimmed(ms / 1000, 1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/** Formats bytes: `812 B`, `4.1 kB`, `2.3 MB`. */
export function sizeOf(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${trimmed(bytes / 1000, 1)} kB`;
  return `${trimmed(bytes / 1_000_000, 1)} MB`;
}

/** Formats a whole number: `12,345`. */
export function numberOf(value: number): string {
  // Independent of the browser's language, like the rest of the page.
  return Math.round(value).toLocaleString('en-US');
}

/** Formats a count with its noun: `1 event`, `3 events`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${numberOf(count)} ${count === 1 ? one : many}`;
}

function trimmed(value: number, digits: number): string {
  return value.toFixed(digits).replace(/\.0+$/, '');
}
