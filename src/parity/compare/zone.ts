/** RudderStack writes the offset of a time zone, Segment its name. */
const OFFSET = /^GMT([+-])(\d\d):?(\d\d)$/;

/** Whether two time zones have the same offset at a time (milliseconds since the epoch), one of them given as offset. */
export function sameZone(left: string, right: string, at: number): boolean {
  const [a, b] = [offsetOf(left, at), offsetOf(right, at)];
  return a !== undefined && a === b && (OFFSET.test(left) || OFFSET.test(right));
}

/** Returns minutes east of UTC; undefined for an unknown zone. */
function offsetOf(zone: string, at: number): number | undefined {
  const [, sign, hours, minutes] = OFFSET.exec(zone) ?? [];
  if (hours !== undefined) {
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  }
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    const part = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value;
    if (part === 'GMT') return 0;
    return part === undefined || !OFFSET.test(part) ? undefined : offsetOf(part, at);
  } catch {
    return undefined;
  }
}
