/** The views of the page, in the order of its navigation. */
export type Place = 'deliveries' | 'quarantine' | 'dead-letters' | 'overview';

/** The current view, and the ID of the opened entry, if any. */
export interface Route {
  readonly place: Place;
  readonly id?: string;
}

export const PLACES: readonly { readonly place: Place; readonly title: string }[] = [
  { place: 'deliveries', title: 'Deliveries' },
  { place: 'quarantine', title: 'Quarantine' },
  { place: 'dead-letters', title: 'Dead letters' },
  { place: 'overview', title: 'Overview' },
];

/** Parses the address's fragment. An unknown one shows the list of deliveries. */
export function routeOf(hash: string): Route {
  const [name, id] = hash.replace(/^#\/?/, '').split('/');
  const known = PLACES.find(({ place }) => place === name);
  if (known === undefined) return { place: 'deliveries' };
  if (id === undefined || id === '' || known.place === 'overview') return { place: known.place };
  return { place: known.place, id: decoded(id) };
}

/** Returns the fragment of a view or of an entry in it. */
export function hashOf({ place, id }: Route): string {
  return id === undefined ? `#/${place}` : `#/${place}/${encodeURIComponent(id)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Returns the token of `#token=…`, with which `trackbridge dev` opens the page; undefined without one. */
export function tokenIn(hash: string): string | undefined {
  const token = /^#token=(.+)$/.exec(hash)?.[1];
  return token === undefined ? undefined : decoded(token);
}
