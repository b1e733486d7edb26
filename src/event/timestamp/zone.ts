/**
 * Zone names that always mean the same offset, in minutes: those of RFC 2822, Europe and Japan. Others (`IST`, `BST`)
 * are ambiguous and are not read.
 */
const ZONES: ReadonlyMap<string, number> = new Map([
  ...(['Z', 'UT', 'UTC', 'GMT', 'WET'] as const).map((name) => [name, 0] as const),
  ...Object.entries({ EST: -5, EDT: -4, CST: -6, CDT: -5, MST: -7, MDT: -6, PST: -8, PDT: -7 }).map(
    ([name, hours]) => [name, hours * 60] as const,
  ),
  ...Object.entries({ WEST: 1, CET: 1, CEST: 2, EET: 2, EEST: 3, MSK: 3, JST: 9 }).map(
    ([name, hours]) => [name, hours * 60] as const,
  ),
]);

/**
 * Matches a name, an offset, or both (`GMT+0200`), optionally followed by the zone again (Go), a comment (JavaScript:
 * `(Central European Summer Time)`), and Go's monotonic clock.
 */
const ZONE =
  /^(?:([A-Za-z]{1,5})?(?:([+-])(\d{2}|\d(?=$|[: ]))(?::?(\d{2}))?)?)(?: +(?=[A-Za-z+-])(?:[A-Za-z]{1,5}|[+-]\d{2}(?::?\d{2})?)(?!=))?(?: *(?=\()\([^()]{0,80}\))?(?: m=[+-]\d{1,20}\.\d{1,9})?$/;

/** Returns the offset in minutes that ends a text, 0 for an empty text; undefined if the zone is unknown. */
export function readZone(text: string): number | undefined {
  if (text === '') return 0;
  const [matched, name, sign, hours, minutes = '0'] = ZONE.exec(text.trimStart()) ?? [];
  if (matched === undefined) return undefined;
  if (sign === undefined) return ZONES.get((name ?? '').toUpperCase());
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offset = Number(hours) * 60 + Number(minutes);
  return sign === '+' ? offset : -offset;
}
