/** Suffixes and prefixes that vendors add to a destination's name for its versions and ways of delivery. */
const ADDED = new Set([
  ...['action', 'actions', 'browser', 'classic', 'cloud', 'destination', 'destinations', 'device'],
  ...['legacy', 'mobile', 'mode', 'new', 'plugin', 'plugins', 'web'],
]);
const SINGULAR: Readonly<Record<string, string>> = { audiences: 'audience', lists: 'list' };
/** Maximum length of a name, because senders choose the names. No destination's name is longer. */
const LONGEST = 200;

/**
 * Returns the part of a destination's name that all its names share: `Actions Amplitude`, `Amplitude (Actions)` and
 * `AMPLITUDE` are `amplitude`; `HubSpot Cloud Mode (Actions)` is `hubspot`. Names of the same brand count as the same
 * destination.
 */
export function brandOf(name: string): string {
  if (name.length > LONGEST) return name;
  const words = name
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? [name];
  const first = words.length > 1 && words[0] === 'actions' ? 1 : 0;
  let end = words.length;
  while (end - first > 1 && isAdded(words[end - 1] ?? '')) end -= 1;
  const brand = words.slice(first, end);
  if (brand[0] === 'aws') brand[0] = 'amazon';
  const last = brand[brand.length - 1] ?? '';
  brand[brand.length - 1] = SINGULAR[last] ?? last;
  return brand.join('');
}

function isAdded(word: string): boolean {
  return ADDED.has(word) || /^v\d$/.test(word);
}
